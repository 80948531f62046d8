"""Budgets: money that many clients at once cannot spend twice."""
import concurrent.futures
import decimal

from kit.cases import case, eventually
from kit.router import Router
from kit.upstream import Upstream, chat, failure

D = decimal.Decimal
#: What one answer of `chat(tokens=20, prompt=80)` costs at 2.50 and 10 per million.
COST = D("0.0004")
TEXT = "a question of about eighty tokens " * 9
POLICY = """
backends:
  paid: {{ api: openai, url: "{url}", price: {{ input: 2.50, cached: 2.50, output: 10 }} }}
models: {{ chat: {{ paid: m }} }}
classes:
  live: {{ serve: now, use: [paid] }}
  slow: {{ serve: later, use: [paid], deadline: 24h }}
routes:
  - {{ match: {{ async: true }}, class: slow }}
  - {{ class: live }}
baseline: {{ backend: paid, model: requested, serve: now }}
budgets:
"""


def ask(router, **more):
    return router.chat(text=TEXT, max_tokens=20, **more)


def billed(upstream):
    return sum((D(call.usage[0]) * D("2.5") + D(call.usage[1]) * 10) / 1_000_000 for call in upstream.posts() if call.usage)


@case("budget-crowd", "64 clients at once spend no more than the limit and one request's estimate, and the rest is told not to ask again")
def crowd():
    upstream = Upstream(chat(tokens=20, prompt=80, first=0.2))
    limit = 10 * COST
    with Router(POLICY.format(url=upstream.url) + f"  all: {{ limit: {limit}, per: month, at: {{ 100%: reject }} }}\n") as router:
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            answers = list(pool.map(lambda _: ask(router), range(256)))
        refused = [answer for answer in answers if answer.status != 200]
        assert all(answer.status == 429 and answer.error["code"] == "budget_exceeded" for answer in refused), refused[:1]
        assert all(answer.headers["x-should-retry"] == "false" for answer in refused), refused[0].headers
        estimate = max(D(entry["estimate"]) for entry in router.closed(256 - len(refused)))
        assert limit - estimate <= billed(upstream) <= limit + estimate, f"{billed(upstream)} of {limit}, an estimate is {estimate}"
        rows = [entry for entry in router.ledger() if entry["kind"] == "settled"]
        assert sum(D(entry["cost"]) for entry in rows) == billed(upstream)
        router.kill()
        router.start()
        assert ask(router).status == 429, "a killed process gave the budget back"


@case("budget-scopes", "a budget counts its own tag only; what it refuses is open to others")
def scopes():
    upstream = Upstream(chat(tokens=20, prompt=80))
    budget = f"  eval: {{ metadata: {{ job: eval }}, limit: {2 * COST}, per: day, at: {{ 50%: warn, 100%: reject }} }}\n"
    with Router(POLICY.format(url=upstream.url) + budget) as router:
        tagged = [ask(router, headers={"sluice-tags": "job=eval"}).status for _ in range(4)]
        assert tagged[0] == 200 and tagged[-1] == 429, tagged
        assert ask(router, metadata={"job": "eval"}).status == 429, "the body's metadata escapes"
        assert ask(router).status == 200
        assert router.said().count("budget.threshold=50%") == 1, router.said()


@case("budget-downgrade", "beyond its share a request gets the more patient class, with the client's consent or a plain refusal")
def downgrade():
    upstream = Upstream(chat(tokens=20, prompt=80))
    budget = f"  all: {{ limit: {10 * COST}, per: day, at: {{ 20%: {{ downgrade: slow }} }} }}\n"
    with Router(POLICY.format(url=upstream.url) + budget) as router:
        assert [ask(router).status for _ in range(2)] == [200, 200]
        eventually(lambda: ask(router).status == 422, 5, what="the patient class")
        answer = ask(router, headers={"prefer": "respond-async"})
        assert answer.status == 202, answer


@case("budget-reload", "a budget that a reload brings knows what was spent before it")
def reload():
    upstream = Upstream(chat(tokens=20, prompt=80))
    with Router(POLICY.format(url=upstream.url) + f"  old: {{ limit: 100, per: month, at: {{ 100%: reject }} }}\n") as router:
        assert [ask(router).status for _ in range(4)] == [200] * 4
        router.write(router.policy + f"  new: {{ limit: {4 * COST}, per: month, at: {{ 100%: reject }} }}\n")
        assert router.admin("POST", "/api/reload").status == 200
        eventually(lambda: ask(router).status == 429, 5, what="the new budget")
        assert len(upstream.posts()) <= 6, f"{len(upstream.posts())} calls"


@case("budget-deferred", "deferred work asks the budget too, and waits for the next period instead of failing")
def deferred():
    upstream = Upstream(failure(500))
    with Router(POLICY.format(url=upstream.url) + "  none: { limit: 0.0001, per: day, at: { 100%: reject } }\n") as router:
        answer = ask(router, headers={"prefer": "respond-async"})
        assert answer.status == 202, answer
        job = answer.json["id"]
        eventually(lambda: any("budget" in (entry.get("last_error") or "") for entry in [state(router, job)]) or state(router, job)["not_before"], 10)
        assert not upstream.posts(), "a call was made beyond the budget"
        assert router.request("GET", f"/v1/jobs/{job}").status == 202


def state(router, job):
    return next(entry for entry in router.admin("GET", "/api/queue").json["data"] if entry["job_id"] == job)
