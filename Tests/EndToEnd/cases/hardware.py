"""Hardware of one's own: what a request costs there, and that rented nodes are switched."""
import datetime
import decimal
import json

from cases.focus import PARENTS, WRONG, failed_rules
from kit.cases import case, eventually
from kit.router import Router
from kit.upstream import Upstream, chat, first_then, whole

D = decimal.Decimal
POLICY = """
windows: {{ night: {{ hours: {hours}, timezone: UTC }} }}
backends:
  node: {{ api: vllm, url: "{node}", {hardware} }}
  api: {{ api: openai, url: "{api}", price: {{ input: 2.50, cached: 2.50, output: 10 }} }}
models: {{ chat: {{ node: llama, api: m }} }}
classes: {{ live: {{ serve: now, use: [node, api] }} }}
routes: [ {{ class: live }} ]
baseline: {{ backend: api, model: requested, serve: now }}
"""
#: 10 an hour.
OWNED = "owned: {{ capex: 262800, life: 36mo, residual: 0%, opex: 0/mo, gpus: 8, charge: {0} }}"


def router(node, hardware, api=None, hours="22:00-06:00"):
    return Router(POLICY.format(node=node.url, api=(api or node).url, hardware=hardware, hours=hours))


@case("hardware-time", "by GPU-second a request costs its share of the node's time")
def by_time():
    node = Upstream(chat(tokens=20, prompt=100, first=0.5))
    with router(node, OWNED.format("by-gpu-second")) as up:
        assert up.chat().status == 200
        entry = up.closed(1)[0]
        cost, rate = D(entry["cost"]), D(10) / 3600
        assert rate * D("0.5") <= cost <= rate * 3 and entry["cost_low"] == entry["cost_high"] == entry["cost"], entry
        assert entry["rate_card"] == "owned" and entry["marginal_cost"] == "0" and entry["baseline"] == "0.00045", entry
        assert entry["evidence"] == "computed" and D(entry["levers"]["backend"]) == D("0.00045") - cost, entry


@case("hardware-token", "by token a request costs its tokens' part of the hour, to the picodollar")
def by_token():
    node = Upstream(chat(tokens=20, prompt=100))
    with router(node, OWNED.format("by-token, tokens_per_hour: 3M")) as up:
        assert up.chat().status == 200
        entry = up.closed(1)[0]
        assert D(entry["cost"]) == (D(10) / 3_000_000 * 120).quantize(D("1e-12"), rounding=decimal.ROUND_HALF_EVEN), entry
        assert entry["unit_prices"]["input"].startswith("3.3333333333"), entry


@case("hardware-payback", "the month of break-even needs what the purchase cost: from the running server's policy or --config, and nobody is told a month without", limit=120, waits=True)
def payback():
    node = Upstream(chat(tokens=20, prompt=4_000_000))
    with router(node, OWNED.format("by-gpu-second")) as up:
        for _ in range(3):
            assert up.chat().status == 200
        up.closed(3)
        assert up.stop() == 0

        def node_of(*more):
            done = up.run("report", "payback", "--data", str(up.data), "--output", "json", *more)
            return json.loads(done.stdout)["backends"][0], done.stderr
        alone, said = node_of()
        assert alone["break_even"] is None and alone["purchase"] is None and "--config" in said, (alone, said)
        told, said = node_of("--config", str(up.config))
        assert told["purchase"] == "262800" and not said, (told, said)
        up.start()
        served, said = node_of()
        assert served["purchase"] == "262800" and not said, (served, said)
        assert up.admin("GET", "/api/report/payback").json["backends"][0]["purchase"] == "262800"


@case("hardware-payback-unpriced", "work that has no price at the baseline is unknown there, not free, and breaks even in no month that anybody knows", limit=120, waits=True)
def payback_unpriced():
    node = Upstream(chat(tokens=20, prompt=4_000_000))
    text = POLICY.format(node=node.url, api=node.url, hardware=OWNED.format("by-gpu-second"), hours="22:00-06:00")
    with Router(text.replace(", price: { input: 2.50, cached: 2.50, output: 10 }", "")) as up:
        assert up.chat().status == 200
        up.closed(1)
        told = json.loads(up.run("report", "payback", "--data", str(up.data), "--output", "json").stdout)["backends"][0]
        assert told["break_even"] is None and {(month["baseline"], month["saved"]) for month in told["months"]} == {(None, None)}, told
        people = up.run("report", "payback", "--data", str(up.data)).stdout
        assert people.count("unknown") == 2 and "no price at the baseline" in people, people


@case("hardware-rented", "a rented node is started and stopped as its window is open or not, tried again when the call fails, and passed over while closed", waits=True)
def rented():
    now = datetime.datetime.now(datetime.timezone.utc)
    inside = f"{(now - datetime.timedelta(hours=2)):%H:%M}-{(now + datetime.timedelta(hours=2)):%H:%M}"
    outside = f"{(now + datetime.timedelta(hours=2)):%H:%M}-{(now - datetime.timedelta(hours=2)):%H:%M}"
    for hours, word, served in ((inside, "n=4", "node"), (outside, "n=0", "api")):
        scaler = Upstream(first_then(lambda call: iter([whole(503, {})]), lambda call: iter([whole(200, {})])))
        node, api = Upstream(chat()), Upstream(chat())
        link = f'start: "{scaler.url[:-3]}/scale?n=4", stop: "{scaler.url[:-3]}/scale?n=0"'
        with router(node, f"rented: {{ rate: 0.62/gpu-hour, gpus: 4, when: night, {link} }}", api, hours) as up:
            eventually(lambda: len(scaler.posts()) == 2, 20, what="the call after the one that failed")
            assert [call.path for call in scaler.posts()] == [f"/scale?{word}"] * 2, [call.path for call in scaler.posts()]
            assert up.chat().status == 200 and len((node if served == "node" else api).posts()) == 1
            if served == "node":
                entry = up.closed(1)[0]
                assert entry["rate_card"] == "rented" and 0 < D(entry["cost"]) < D("0.01"), entry


@case("hardware-focus", "own hardware in FOCUS: used hours are effective and not billed, the month is billed and has no effect", limit=400, waits=True)
def focus():
    node = Upstream(chat(tokens=20, prompt=100))
    with router(node, OWNED.format("by-gpu-second")) as up:
        for _ in range(3):
            assert up.chat().status == 200
        up.closed(3)
        path = up.folder / "focus.csv"
        up.run("export", "focus", "--data", str(up.data), "--to", str(path))
        text = path.read_text()
        assert "Used" in text and "Purchase" in text, text
        assert failed_rules(path) - PARENTS <= WRONG, failed_rules(path)
