"""Classes that leave their first pool while the wait there is long, as far as their money goes."""
import concurrent.futures
import json
from decimal import Decimal

from kit.cases import case, eventually
from kit.router import Router
from kit.upstream import Upstream, chat


def policy(own, dear, spill, limit=1):
    return f"""
backends:
  own: {{ api: openai, url: {own.url}, limits: {{ concurrent: {limit} }}, price: {{ input: 0, output: 0 }} }}
  dear: {{ api: openai, url: {dear.url}, price: {{ input: 10, output: 10 }} }}
models: {{ chat: {{ own: m, dear: m }} }}
pools: {{ house: {{ backends: [own] }}, api: {{ backends: [dear] }} }}
classes: {{ live: {{ serve: now, use: [house, api], spill: {{ {spill} }} }} }}
routes: [{{ class: live }}]
baseline: {{ backend: dear, model: requested, serve: now }}
"""


def crowd(router, count):
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda n: router.chat(f"{n}", max_tokens=20), range(count)))


def went(answers):
    return sorted(answer.headers.get("sluice-route", "").partition("backend=")[2].partition(";")[0] for answer in answers)


@case("spill-patient", "a wait that is shorter than when_wait is waited: nothing goes to the dear pool")
def patient():
    own, dear = Upstream(chat(tokens=2, first=0.15)), Upstream(chat(tokens=2))
    with Router(policy(own, dear, "when_wait: 8s")) as router:
        # Until enough answers have come a slot is thought to be held for two seconds.
        answers = crowd(router, 4)
        assert [answer.status for answer in answers] == [200] * 4 and not dear.posts(), (went(answers), len(dear.posts()))


@case("spill-leaves", "a wait that is longer leaves the first pool, and explain and ledger name the pool it went to")
def leaves():
    own, dear = Upstream(chat(tokens=2, first=1.0)), Upstream(chat(tokens=2))
    with Router(policy(own, dear, "when_wait: 300ms")) as router:
        answers = crowd(router, 6)
        assert [answer.status for answer in answers] == [200] * 6, answers
        assert went(answers).count("dear") >= 4 and "own" in went(answers), went(answers)
        assert {entry["pool"] for entry in router.closed(6)} == {"house", "api"}
        said = json.loads(router.run("explain", "--config", str(router.config), "--model", "chat", "--output", "json").stdout)
        assert [item["pool"] for item in said["candidates"] if item["chosen"]] == ["house"], said
        assert "300 ms" in str(said["candidates"]) or "300ms" in str(said["candidates"]), said


@case("spill-spend", "no more than max_spend a day goes beyond the first pool, also after a kill; then the first pool is waited for")
def spend():
    own, dear = Upstream(chat(tokens=2, first=0.5, prompt=5)), Upstream(chat(tokens=20, prompt=5))
    # A request costs 0.00025 at the dear pool, and is estimated at about as much.
    with Router(policy(own, dear, "when_wait: 50ms, max_spend: 0.0006/day")) as router:
        def beyond():
            return sum(Decimal(entry["cost"]) for entry in router.closed() if entry["pool"] == "api")

        answers = crowd(router, 8)
        assert went(answers).count("dear") >= 1, went(answers)
        first = beyond()
        assert Decimal(0) < first <= Decimal("0.0006") + Decimal("0.00025"), first
        router.kill()
        router.start()
        for _ in range(3):
            answers = crowd(router, 4)
            assert {answer.status for answer in answers} <= {200, 429}, answers
        assert beyond() <= Decimal("0.0006") + Decimal("0.00025"), f"{first} before the kill, {beyond()} after it"
        assert len(own.posts()) > len(dear.posts())


@case("spill-down", "a first pool that is down is left, within the money; beyond it the client is told that the budget is used up")
def down():
    dear = Upstream(chat(tokens=20, prompt=100))

    class Gone:
        url = "http://127.0.0.1:9/v1"

    with Router(policy(Gone, dear, "when_wait: 50ms, max_spend: 0.003/day")) as router:
        statuses = [router.chat(f"{n}", max_tokens=20) for n in range(8)]
        assert statuses[0].status == 200 and statuses[-1].status == 429, statuses
        assert statuses[-1].error["code"] == "budget_exceeded" and "spill of live" in statuses[-1].error["message"], statuses[-1]
        assert len(dear.posts()) <= 4
