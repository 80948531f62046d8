"""Bills made from the upstream's own count, one error planted in each: the report must name it, with its amount."""
import csv
import datetime
import decimal
import io
import itertools
import json

from kit.cases import case
from kit.router import Router
from kit.upstream import Upstream, whole

D = decimal.Decimal
MILLION = 1_000_000
PRICES = {"gpt-large": {"input": D("2.5"), "cached_input": D("0.25"), "output": D(10)}, "gpt-small": {"input": D("0.15"), "cached_input": D("0.075"), "output": D("0.6")}}
POLICY = """
backends:
  openai:
    api: openai
    url: "{url}"
    prices:
      gpt-large: {{ input: 2.50, cached: 0.25, output: 10, tier: {{ priority: 200% }} }}
      gpt-small: {{ input: 0.15, cached: 0.075, output: 0.60 }}
models: {{ chat: {{ openai: gpt-large }}, mini: {{ openai: gpt-small }} }}
classes: {{ live: {{ serve: now, use: [openai] }} }}
routes: [ {{ class: live }} ]
baseline: {{ backend: openai, model: requested, serve: now }}
"""
MAP = "day=date,model=sku,token_class=meter,quantity=units,amount=usd,tier=tier"
numbers = itertools.count(1)


def counted(call):
    """An answer whose usage is large enough for every digit to matter."""
    n = next(numbers)
    call.id = f"chatcmpl-{n}"
    prompt, cached, completion, reasoning = 1_600_013 + 1003 * n, 400_009 + n, 90_007 + 17 * n, 5_003
    call.usage = {"input": prompt - cached, "cached_input": cached, "output": completion}
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
             "prompt_tokens_details": {"cached_tokens": cached}, "completion_tokens_details": {"reasoning_tokens": reasoning}}
    yield whole(200, {"id": call.id, "object": "chat.completion", "created": 1, "model": call.json["model"], "usage": usage,
                      "choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}]})


class Books:
    """Six requests through a router, and what the upstream counted for them: {(model, kind of token): [tokens, price, amount, tier]}."""

    def __enter__(self):
        self.upstream = Upstream(counted)
        self.router = Router(POLICY.format(url=self.upstream.url)).__enter__()
        for model in ("chat", "mini", "chat", "mini", "chat", "chat"):
            assert self.router.chat(model=model).status == 200
        self.router.closed(6)
        self.day = self.router.ledger()[-1]["at"][:10]
        self.lines = {}
        for call in self.upstream.posts():
            for kind, count in call.usage.items():
                price = PRICES[call.json["model"]][kind]
                line = self.lines.setdefault((call.json["model"], kind), [0, price, D(0), "default"])
                line[0] += count
                line[2] += count * price / MILLION
        self.requests = {model: sum(call.json["model"] == model for call in self.upstream.posts()) for model in PRICES}
        return self

    def __exit__(self, *error):
        self.router.__exit__(*error)

    def copy(self):
        return {key: list(line) for key, line in self.lines.items()}

    def reconcile(self, bills, *arguments, provider="openai", ok=None):
        names = []
        for number, text in enumerate(bills):
            path = self.router.folder / f"bill-{number}.txt"
            path.write_text(text)
            names += ["--invoice", str(path)]
        done = self.router.run(
            "audit", "reconcile", "--provider", provider, *names, "--data", str(self.router.data), "--output", "json", *arguments, expect=0 if ok else 1)
        found = json.loads(done.stdout)
        assert found["ok"] is ok and D(found["invoice"]) - D(found["ledger"]) == D(found["difference"]), found
        assert sum(D(row["difference"]) for row in found["rows"]) == D(found["difference"]) == sum(D(amount) for amount in found["by_cause"].values()), found
        return {cause: D(amount) for cause, amount in found["by_cause"].items() if D(amount)}, found


def plain(number):
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def table(day, lines):
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["date", "sku", "meter", "units", "usd", "tier"])
    for (model, kind), (count, _, amount, tier) in lines.items():
        rows.writerow([day, model, kind, count, plain(amount), tier])
    return text.getvalue()


def buckets(day, results):
    start = int(datetime.datetime.fromisoformat(day + "T00:00:00+00:00").timestamp())
    return json.dumps({"object": "page", "data": [{"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": results}], "has_more": False})


def costs(day, lines):
    """OpenAI's costs export: amounts are binary floating point numbers."""
    words = {"input": "input", "cached_input": "cached input", "output": "output"}
    return buckets(day, [{"object": "organization.costs.result", "amount": {"value": float(amount), "currency": "usd"}, "line_item": f"{model}, {words[kind]}",
                          "project_id": None} for (model, kind), (_, _, amount, _) in lines.items()])


def usage(day, lines, requests):
    """OpenAI's usage export: input includes what was cached."""
    return buckets(day, [{
        "object": "organization.usage.completions.result", "model": model, "num_model_requests": requests[model], "batch": False,
        "input_tokens": lines[model, "input"][0] + lines[model, "cached_input"][0], "input_cached_tokens": lines[model, "cached_input"][0],
        "output_tokens": lines[model, "output"][0], "input_audio_tokens": 0, "output_audio_tokens": 0} for model in requests])


def more(lines, key, count):
    lines[key][0] += count
    lines[key][2] += count * lines[key][1] / MILLION
    return count * lines[key][1] / MILLION


def priced(lines, key, price, **changes):
    before = lines[key][2]
    lines[key][1], lines[key][2] = price, lines[key][0] * price / MILLION
    lines[key][3] = changes.get("tier", lines[key][3])
    return lines[key][2] - before


def rounded(lines):
    off = D(0)
    for line in lines.values():
        amount = line[2].quantize(D("0.01"), rounding=decimal.ROUND_CEILING)
        off, line[2] = off + amount - line[2], amount
    return off


def new_model(lines):
    lines["gpt-audio", "input"] = [4_000_000, D(5), D(20), "default"]
    return D(20)


PLANTED = {
    "nothing": (lambda lines: D(0), None, True),
    "a model that is not billed": (lambda lines: -sum(lines.pop(("gpt-small", kind))[2] for kind in ("input", "cached_input", "output")), "not_invoiced", False),
    "a dearer price": (lambda lines: priced(lines, ("gpt-large", "input"), D("2.60")), "price_drift", False),
    "a price that one digit changes": (lambda lines: priced(lines, ("gpt-large", "output"), D("10.4")), "price_drift", False),
    "a tier that was not served": (lambda lines: priced(lines, ("gpt-large", "output"), D(20), tier="priority"), "tier_drift", False),
    "more tokens of one kind": (lambda lines: more(lines, ("gpt-large", "output"), 30_011), "count_drift", False),
    "fewer tokens of one kind": (lambda lines: more(lines, ("gpt-large", "input"), -300_011), "count_drift", False),
    "one in a hundred more of all": (lambda lines: sum(more(lines, key, line[0] // 100) for key, line in lines.items()), "count_drift", False),
    "whole requests of somebody else": (
        lambda lines: more(lines, ("gpt-large", "input"), 800_000) + more(lines, ("gpt-large", "output"), 12_000), "traffic_not_seen", False),
    "a model that nobody asked for": (new_model, "traffic_not_seen", False),
    "amounts rounded up to cents": (rounded, "rounding", True),
}


@case("reconcile-planted", f"{len(PLANTED)} bills as CSV: what was planted is named with its exact amount, and nothing else is")
def planted():
    faults = []
    with Books() as books:
        for what, (plant, cause, ok) in PLANTED.items():
            lines = books.copy()
            amount = plant(lines)
            found, whole_report = books.reconcile([table(books.day, lines)], "--map", MAP, ok=ok)
            if found != ({cause: amount} if cause else {}):
                faults.append(f"{what}: {amount} wanted as {cause}, found {found}")
            assert D(whole_report["invoice"]) == sum(line[2] for line in lines.values()), what
    assert not faults, "\n".join(faults)


@case("reconcile-openai", "OpenAI's costs in floating point agree to the cent of a cent; with the usage export beside them counts and prices are told apart")
def openai():
    with Books() as books:
        found, _ = books.reconcile([costs(books.day, books.lines)], "--tolerance", "0", ok=True)
        assert set(found) <= {"rounding"} and all(abs(amount) < D("0.00000001") for amount in found.values()), found
        lines = books.copy()
        dearer = priced(lines, ("gpt-large", "input"), D("2.75"))
        found, _ = books.reconcile([costs(books.day, lines), usage(books.day, lines, books.requests)], ok=False)
        assert abs(found.pop("price_drift") - dearer) < D("0.000001") and set(found) <= {"rounding"}, found
        lines = books.copy()
        extra = more(lines, ("gpt-small", "output"), 400_000) + more(lines, ("gpt-small", "input"), 1_000_000)
        found, _ = books.reconcile(
            [costs(books.day, lines), usage(books.day, lines, {**books.requests, "gpt-small": books.requests["gpt-small"] + 3})], ok=False)
        assert abs(found.pop("traffic_not_seen") - extra) < D("0.000001") and set(found) <= {"rounding"}, found


@case("reconcile-own-focus", "what `export focus` prints agrees with the ledger that it was made from")
def own_focus():
    with Books() as books:
        bill = books.router.run("export", "focus", "--data", str(books.router.data)).stdout
        found, report = books.reconcile([bill], "--tolerance", "0", ok=True)
        assert found == {} and report["rows"], report


@case("reconcile-openrouter", "OpenRouter's activity has one amount for all tokens of a request")
def openrouter():
    with Books() as books:
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(["generation_id", "created_at", "cost_total", "tokens_prompt", "tokens_completion", "model_permaslug", "provider_name"])
        for call in books.upstream.posts():
            amount = sum(count * PRICES[call.json["model"]][kind] / MILLION for kind, count in call.usage.items())
            rows.writerow([call.id, books.day + " 12:00:00", plain(amount), 1, 1, f"openai/{call.json['model']}", "OpenAI"])
        found, _ = books.reconcile([text.getvalue()], "--backend", "openai", "--tolerance", "0", provider="openrouter", ok=True)
        assert found == {}, found
        rows.writerow(["gen-x", books.day + " 13:00:00", "7.5", 1, 1, "openai/gpt-large", "OpenAI"])
        found, _ = books.reconcile([text.getvalue()], "--backend", "openai", provider="openrouter", ok=False)
        assert found == {"traffic_not_seen": D("7.5")}, found


@case("reconcile-unreadable", "a bill that cannot be read is exit 2 and says why")
def unreadable():
    with Books() as books:
        nothing = [(empty, "is an empty bill") for empty in ('{"data": [], "has_more": false}', costs(books.day, {}), table(books.day, {}))]
        for text, why in [*nothing, ("", "no line"), ('{"object": "page"}', "no `data`"), ("a,b\n1,2\n", "--map"), ('{"data": [', "JSON"), ('{"data": [{"start_time": 1, "results": []}]}', "time"),
                          (table(books.day, books.lines).replace(books.day, "yesterday"), "day"), (table(books.day, books.lines).replace("usd", "eur"), "usd"),
                          (table(books.day, books.lines).rstrip().rsplit(",", 2)[0], "ends before its column `usd`"),
                          (table(books.day, books.lines) + f'{books.day},gpt-large,"out', "quoted cell"),
                          (table(books.day, books.lines) + f'{books.day},gpt-large,input,many,1.5,default', "`many`"),
                          (table(books.day, books.lines) + f'{books.day},gpt-large,input,1,"1.234,56",default', "1.234,56"),
                          (table(books.day, books.lines) + f'{books.day},gpt-large,input,1,"1,5",default', "1,5")]:
            path = books.router.folder / "bad"
            path.write_text(text)
            arguments = ["--map", MAP] if text.startswith("date") else []
            done = books.router.run("audit", "reconcile", "--provider", "openai", "--invoice", str(path), "--data", str(books.router.data), *arguments, expect=2)
            assert why in done.stderr, (text[:30], done.stderr)
        bill = costs(books.day, books.lines)
        for text, why in [(bill.replace('"has_more": false', '"has_more": true'), "has_more"), (bill.replace('"usd"', '"eur"'), "EUR")]:
            assert text != bill
            path.write_text(text)
            done = books.router.run("audit", "reconcile", "--provider", "openai", "--invoice", str(path), "--data", str(books.router.data), expect=2)
            assert why in done.stderr, done.stderr
        path.write_text(table(books.day, books.lines))
        done = books.router.run("audit", "reconcile", "--provider", "acme", "--invoice", str(path), "--map", MAP, "--data", str(books.router.data), expect=2)
        assert "--backend" in done.stderr, done.stderr
