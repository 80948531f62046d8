"""The books priced again: what a wrong price card did is corrected by entries that are appended, and the bill agrees."""
import decimal
import json

from kit.cases import case
from kit.router import Router
from kit.upstream import Upstream, chat

D = decimal.Decimal
POLICY = """
backends:
  openai: {{ api: openai, url: "{url}", prices: {{ m: {{ input: {price}, output: 10 }}{more} }} }}
  other: {{ api: openai, url: "{url}", price: {{ input: 1, output: 4 }} }}
models: {{ chat: {{ openai: m, other: o }}, new: {{ openai: n }}, spare: {{ other: s, openai: m }} }}
classes: {{ live: {{ serve: now, use: [openai] }}, cheap: {{ serve: now, use: [other] }} }}
routes: [ {{ match: {{ model: spare }}, class: cheap }}, {{ class: live }} ]
baseline: {{ backend: openai, model: requested, serve: now }}
"""


def policy(upstream, price="2.50", more=""):
    return POLICY.format(url=upstream.url, price=price, more=more)


def outcome(done):
    return json.loads(done.stdout)


def report(up):
    return outcome(up.run("report", "--data", str(up.data), "--output", "json"))


def recompute(up, *more):
    return outcome(up.run("audit", "recompute", "--data", str(up.data), "--config", str(up.config), "--output", "json", *more))


def adds_up(books):
    return sum(D(step["amount"]) for step in books["waterfall"]) == D(books["total"]["saved"])


@case("recompute-right", "books that are right need no correction, whether or not a server runs")
def right():
    upstream = Upstream(chat(tokens=20, prompt=100))
    with Router(policy(upstream)) as up:
        for model in ("chat", "spare", "chat"):
            assert up.chat(model=model).status == 200
        before = up.closed(3) and up.ledger()
        for _ in range(2):
            found = recompute(up)
            assert found == {**found, "ok": True, "entries": 3, "corrections": 0, "difference": "0", "unpriced": 0}, found
            if up.process.poll() is None:
                assert up.stop() == 0
        assert up.ledger() == before


@case("recompute-price", "a price that was wrong is put right by corrections, once; nothing is edited, and the route of the baseline still saves exactly 0")
def price():
    upstream = Upstream(chat(tokens=20, prompt=100))
    with Router(policy(upstream)) as up:
        for model in ("chat", "chat", "spare", "new"):
            assert up.chat(model=model).status == 200
        before = up.closed(4) and up.ledger()
        assert report(up)["total"]["unpriced"] == 1
        assert up.stop() == 0
        # 2.60 instead of 2.50 a million, and a price for the model that had none.
        up.write(policy(upstream, "2.60", ", n: { input: 1, output: 1 }"))
        foreseen = recompute(up, "--dry-run")
        assert foreseen["written"] is False and foreseen["corrections"] == 3 and up.ledger() == before, foreseen
        up.start()
        found = recompute(up)
        wanted = 2 * D("0.1") * 100 / 1_000_000 + D(120) / 1_000_000
        assert found["corrections"] == 3 and D(found["difference"]) == wanted and found["written"], found
        entries = up.ledger()
        corrections = entries[len(before):]
        assert entries[:len(before)] == before and [entry["kind"] for entry in corrections] == ["correction"] * 3, entries
        first, wrong = corrections[0], next(entry for entry in before if entry["kind"] == "settled")
        assert first["corrects"] == wrong["seq"] and first["cost"] == "0.00001" == first["baseline"] and first["request_id"] == wrong["request_id"], first
        assert first["before"]["cost"] == wrong["cost"] and first["unit_prices"]["input"] == "2.6" and first["rate_card"] != wrong["rate_card"], first
        books = report(up)
        total = books["total"]
        assert D(total["cost"]) == sum(D(entry["cost"] or 0) for entry in entries) and adds_up(books), books
        assert total["unpriced"] == 0 and total["requests"] == 4 and total["coverage"] == 1, total
        # Two at the baseline itself, one elsewhere, one whose baseline is its own new price.
        spare = next(entry for entry in before if entry["model"] == "spare" and entry["kind"] == "settled")
        assert D(total["saved"]) == D(spare["baseline"]) - D(spare["cost"]), total
        again = recompute(up)
        assert again["corrections"] == 0 and again["entries"] == 4 and again["difference"] == "0", again
        assert outcome(up.run("audit", "verify", "--data", str(up.data), "--output", "json"))["ok"]


@case("recompute-budget", "what a correction adds counts against budgets at once, and after the next start as well")
def budget():
    upstream = Upstream(chat(tokens=20, prompt=100))
    limits = "budgets: { all: { limit: 0.004, per: month, at: { 100%: reject } } }\n"
    with Router(policy(upstream) + limits) as up:
        for _ in range(4):
            assert up.chat(max_tokens=20).status == 200
        up.closed(4)
        # 0.00045 a request were booked, 0.00145 is right: 0.0058 of 0.004 are spent.
        up.write(policy(upstream, "12.50") + limits)
        assert up.admin("POST", "/api/reload").status == 200
        assert up.chat(max_tokens=20).status == 200
        assert recompute(up)["difference"] == "0.004"
        assert up.chat(max_tokens=20).status == 429
        assert up.stop() == 0
        up.start()
        assert up.chat(max_tokens=20).status == 429


@case("recompute-bill", "a bill that showed a price drift agrees once the price is corrected and the books are recomputed")
def bill():
    upstream = Upstream(chat(tokens=20, prompt=1_000_000))
    with Router(policy(upstream)) as up:
        assert up.chat().status == 200
        day = up.closed(1)[0]["at"][:10]
        bill = up.folder / "bill.csv"
        bill.write_text(f"date,sku,meter,units,usd\n{day},m,input,1000000,2.6\n{day},m,output,20,0.0002\n")
        reconcile = ["audit", "reconcile", "--provider", "csv", "--backend", "openai", "--invoice", str(bill), "--data", str(up.data), "--output", "json",
                     "--map", "day=date,model=sku,token_class=meter,quantity=units,amount=usd"]
        drift = outcome(up.run(*reconcile, expect=1))
        assert drift["by_cause"]["price_drift"] == "0.1", drift
        up.stop()
        up.write(policy(upstream, "2.60"))
        assert recompute(up)["difference"] == "0.1"
        clean = outcome(up.run(*reconcile))
        assert clean["difference"] == "0" and clean["ok"], clean
