"""Budgets: money that many clients at once cannot spend twice."""
import concurrent.futures
import decimal
import json

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


def billed(upstream, counts=lambda _: True):
    return sum((D(call.usage[0]) * D("2.5") + D(call.usage[1]) * 10) / 1_000_000 for call in upstream.posts() if call.usage and counts(call))


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


@case("budget-holders", "64 clients at once, each with one of four keys: no key and no tenant spends more than its own limit and an estimate, and none of it is another's", 120)
def holders():
    upstream = Upstream(chat(tokens=20, prompt=80, first=0.05))
    limits = {"alpha-one": 8, "alpha-two": 14, "beta-one": 11, "free-one": None}
    team = 18
    budgets = "".join(
        f"  {name}: {{ key: {name}, limit: {limit * COST}, per: day, at: {{ 100%: reject }} }}\n" for name, limit in limits.items() if limit)
    budgets += f"  team: {{ tenant: alpha, limit: {team * COST}, per: month, at: {{ 100%: reject }} }}\n"
    tenants = "tenants:\n  alpha: { keys: [alpha-*] }\n  beta: { keys: [beta-*] }\n  free: { keys: [free-*] }\n"
    with Router(tenants + POLICY.format(url=upstream.url) + budgets, start=False) as router:
        keys = {name: router.run("keys", "new", name, "--data", str(router.data), "--output", "json").stdout for name in limits}
        keys = {name: json.loads(made)["key"] for name, made in keys.items()}
        router.start()

        def once(name):
            return name, ask(router, headers={"authorization": f"Bearer {keys[name]}"}, user=name)

        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            answers = list(pool.map(once, list(limits) * 64))
        taken = {name: [answer for whose, answer in answers if whose == name and answer.status == 200] for name in limits}
        refused = [answer for _, answer in answers if answer.status != 200]
        assert all(answer.status == 429 and answer.error["code"] == "budget_exceeded" for answer in refused), refused[:1]
        rows = router.closed(sum(map(len, taken.values())))
        estimate = max(D(row["estimate"]) for row in rows)
        bill = {name: billed(upstream, lambda call: call.json["user"] == name) for name in limits}
        assert bill == {name: sum(D(row["cost"]) for row in rows if row["key"] == name) for name in limits}, bill
        assert len(taken["free-one"]) == 64, "a key without a budget was refused"
        # The team's limit is beneath the sum of its keys' limits: whoever comes first has it, and the two together are held by it.
        for name, limit in limits.items():
            low = D(0) if name.startswith("alpha") or not limit else limit * COST - estimate
            assert low <= bill[name] <= (limit or 64) * COST + estimate, f"{name}: {bill[name]}, an estimate is {estimate}"
        spent = bill["alpha-one"] + bill["alpha-two"]
        assert team * COST - 2 * estimate <= spent <= team * COST + estimate, f"{spent} of {team * COST}, an estimate is {estimate}"
        router.kill()
        router.start()
        assert [once(name)[1].status for name in limits] == [429, 429, 429, 200], "a killed process gave a budget back"
    return ", ".join(f"{name} {amount}" for name, amount in bill.items())


@case("budget-fallback", "a free model's paid fallback asks the budget like any other call: what the free one fails is refused once nothing is left")
def fallback():
    free, paid = Upstream(failure(503)), Upstream(chat(tokens=20, prompt=80))
    policy = POLICY.format(url=paid.url).replace("backends:\n", f"backends:\n  free: {{ api: openai, url: \"{free.url}\", price: {{ input: 0, output: 0 }} }}\n")
    policy = policy.replace("{ paid: m }", "{ free: m, paid: m }").replace("serve: now, use: [paid]", "serve: now, use: [free, paid]")
    with Router(policy + f"  all: {{ limit: {3 * COST}, per: month, at: {{ 100%: reject }} }}\n") as router:
        answers = [ask(router) for _ in range(12)]
        first = [answer.status for answer in answers].index(429)
        assert {answer.status for answer in answers[:first]} == {200} and {answer.status for answer in answers[first:]} == {429}, answers
        estimate = max(D(row["estimate"]) for row in router.closed() if row["backend"] == "paid")
        assert 3 * COST - estimate <= billed(paid) <= 3 * COST + estimate, f"{billed(paid)}, an estimate is {estimate}"
        free.answer = chat(tokens=20, prompt=80)
        eventually(lambda: ask(router).status == 200, 30, what="the free backend, which costs nothing and so passes an empty budget")


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
