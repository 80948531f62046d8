"""Calls whose end nobody saw: an interval that holds the truth, until the provider's own bill closes it."""
import csv
import decimal
import http.client
import io
import json
import threading

from cases.focus import agrees_with_report
from kit.cases import case, eventually, scaled
from kit.router import Router
from kit.upstream import Upstream, chat

D = decimal.Decimal
PRICES = {"input": D("2.5"), "output": D(10)}
PROMPT, LIMIT = 100, 400
POLICY = """
backends: {{ openai: {{ api: openai, url: "{}", price: {{ input: 2.50, cached: 0.25, output: 10 }} }} }}
models: {{ chat: {{ openai: gpt-large }} }}
classes: {{ live: {{ serve: now, use: [openai] }} }}
routes: [ {{ class: live }} ]
baseline: {{ backend: openai, model: requested, serve: now }}
"""
TEXT = "of about a hundred tokens, all in all, " * 12


class Stream(threading.Thread):
    """A client that reads a stream until it ends or breaks."""

    def __init__(self, router, name):
        super().__init__(daemon=True)
        self.port, self.label = router.port, name
        self.start()

    def run(self):
        body = json.dumps({"model": "chat", "stream": True, "max_tokens": LIMIT, "messages": [{"role": "user", "content": f"{self.label} {TEXT}"}]})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json", "sluice-tags": f"name={self.label}"})
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()


def truth(call):
    return (PROMPT * PRICES["input"] + call.tokens * PRICES["output"]) / 1_000_000


def bill(day, calls):
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["date", "sku", "meter", "units", "usd"])
    for kind, count in (("input", PROMPT * len(calls)), ("output", sum(call.tokens for call in calls))):
        rows.writerow([day, "gpt-large", kind, count, format(count * PRICES[kind] / 1_000_000, "f")])
    return text.getvalue()


def reconcile(router, text, *more):
    path = router.folder / "bill.csv"
    path.write_text(text)
    done = router.run(
        "audit", "reconcile", "--provider", "openai", "--invoice", str(path), "--map", "day=date,model=sku,token_class=meter,quantity=units,amount=usd",
        "--data", str(router.data), "--output", "json", *more)
    return json.loads(done.stdout)


def report(router):
    return json.loads(router.run("report", "--data", str(router.data), "--output", "json").stdout)["total"]


@case("P5-doubts-close", "streams that kill -9 cuts are intervals that hold the truth; the provider's bill closes them, once, with a server and without", 300)
def close():
    rounds, streams = scaled(4, 200), 5
    upstream = Upstream(chat(tokens=60, gap=0.01, prompt=PROMPT))
    with Router(POLICY.format(upstream.url)) as router:
        for number in range(rounds):
            begun = len(upstream.posts())
            clients = [Stream(router, f"n{number}-{index}") for index in range(streams)]
            eventually(lambda: len([call for call in upstream.posts()[begun:] if call.tokens > 3]) == streams, 20, 0.005, "streams")
            router.kill()
            for client in clients:
                client.join()
            eventually(lambda: all(call.end for call in upstream.posts()), 20, what="the end of all streams")
            router.start()
        calls = upstream.posts()
        entries = router.closed(len(calls))
        by_name = {entry["tags"]["name"]: entry for entry in entries}
        assert len(by_name) == len(calls) == rounds * streams
        for call in calls:
            entry = by_name[call.text.split()[0]]
            assert entry["kind"] == "in_doubt" and entry["cost"] is None, entry
            assert D(entry["cost_low"]) <= truth(call) <= D(entry["cost_high"]), (truth(call), entry)
        whole = sum(truth(call) for call in calls)
        before = report(router)
        agrees_with_report(router)
        assert "lies between" in router.run("report", "--data", str(router.data), "--output", "md").stdout
        assert D(before["cost_low"]) < whole < D(before["cost_high"]) == D(before["waste"]), before

        # Each day is billed by itself; midnight may have come in between.
        days = sorted({entry["at"][:10] for entry in entries})
        text = bill(days[0], calls)
        if len(days) > 1:
            return "midnight came in between"
        found = reconcile(router, text)
        assert found["ok"] and found["doubts"] == {**found["doubts"], "calls": len(calls), "billed": format(whole, "f").rstrip("0"), "closed": 0}, found["doubts"]
        assert D(found["by_cause"]["waste"]) == whole and not [entry for entry in router.ledger() if entry["kind"] == "correction"]
        assert reconcile(router, text, "--correct")["doubts"]["closed"] == len(calls)
        after = report(router)
        agrees_with_report(router)
        assert D(after["cost_low"]) == D(after["cost_high"]) == D(after["waste"]) == whole, after
        assert after["requests"] == before["requests"] and after["evidence"].get("in_doubt", 0) == 0, after
        assert D(after["saved"]) == D(before["saved"]) + D(before["waste"]) - whole
        again = reconcile(router, text, "--correct")
        assert again["doubts"] == {"calls": 0, "low": "0", "high": "0", "billed": None, "closed": 0} and again["ok"], again
        assert D(again["by_cause"]["waste"]) == whole, again
        corrections = [entry for entry in router.ledger() if entry["kind"] == "correction"]
        assert len(corrections) == len(calls) and {entry["corrects"] for entry in corrections} == {entry["seq"] for entry in entries}

        # One more, alone and with nobody to ask but the file: it gets the provider's figure.
        begun = len(upstream.posts())
        last = Stream(router, "last")
        eventually(lambda: len(upstream.posts()) > begun and upstream.posts()[-1].tokens > 3, 20, 0.005, "the last stream")
        router.kill()
        last.join()
        eventually(lambda: upstream.posts()[-1].end, 20, what="its end")
        router.start()
        router.closed(len(calls) + 1)
        assert router.stop() == 0
        calls = upstream.posts()
        assert reconcile(router, bill(days[0], calls), "--correct")["doubts"]["closed"] == 1
        entry = router.ledger()[-1]
        assert entry["kind"] == "correction" and D(entry["cost"]) == truth(calls[-1]) and entry["evidence"] == "provider_reported", entry
        assert json.loads(router.run("audit", "verify", "--data", str(router.data), "--output", "json").stdout)["ok"]
        assert json.loads(router.run("audit", "recompute", "--data", str(router.data), "--config", str(router.config), "--output", "json").stdout)["corrections"] == 0
    return f"{len(calls)} calls in doubt, all within their bounds, closed to {whole} as billed"
