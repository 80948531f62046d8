"""Pools with `affinity`: who begins alike goes to the same backend, whose cache knows the beginning."""
import concurrent.futures
import json

from kit.cases import case
from kit.router import Router
from kit.upstream import Upstream, chat

LIMIT = 20


def policy(first, second, affinity="{ by: prefix, tokens: 64 }", limit=LIMIT):
    return f"""
backends:
  first: {{ api: openai, url: {first.url}, limits: {{ concurrent: {limit} }}, price: {{ input: 1, output: 1 }} }}
  second: {{ api: openai, url: {second.url}, limits: {{ concurrent: {limit} }}, price: {{ input: 1, output: 1 }} }}
models: {{ chat: {{ first: m, second: m }} }}
pools: {{ own: {{ backends: [first, second], pick: least-busy, affinity: {affinity} }} }}
classes:
  live: {{ serve: now, use: [own] }}
  patient: {{ serve: later, use: [own], deadline: 1h }}
routes: [{{ match: {{ async: true }}, class: patient }}, {{ class: live }}]
baseline: {{ backend: first, model: requested, serve: now }}
"""


def body(system, question="and?"):
    """A conversation whose beginning is longer than the tokens that count."""
    return {"model": "chat", "messages": [
        {"role": "system", "content": f"{system} " + "Be brief and kind. " * 40}, {"role": "user", "content": question}]}


def ask(router, system, question="and?", headers=None):
    answer = router.request("POST", "/v1/chat/completions", body(system, question), headers)
    assert answer.status == 200, answer
    return answer.headers["sluice-route"].partition("backend=")[2].partition(";")[0]


@case("affinity-home", "live requests that begin alike go to one backend, others spread, and explain names the home")
def home():
    first, second = Upstream(chat(tokens=2)), Upstream(chat(tokens=2))
    with Router(policy(first, second)) as router:
        homes = {}
        for system in range(24):
            homes[system] = {ask(router, f"{system}", f"{question}") for question in range(3)}
        assert all(len(went) == 1 for went in homes.values()), homes
        spread = [went.copy().pop() for went in homes.values()]
        assert 4 <= spread.count("first") <= 20, spread
        for system in range(6):
            said = router.run("explain", "--config", str(router.config), "--curl", "--output", "json", text=json.dumps(body(f"{system}", "new")))
            candidates = json.loads(said.stdout)["candidates"]
            assert {c["backend"] for c in candidates if c["prefix_home"]} == homes[system], (candidates, homes[system])
            assert candidates[0]["prefix_home"] and candidates[0]["chosen"], candidates
        people = router.run("explain", "--config", str(router.config), "--curl", text=json.dumps(body("0"))).stdout
        assert "prefix home" in people, people
        imagined = router.run("explain", "--config", str(router.config), "--model", "chat").stdout
        assert "prefix home" not in imagined and "--curl" in imagined, imagined
        router.kill()
        router.start()
        for system in range(6):
            assert {ask(router, f"{system}")} == homes[system], "another home after a start"


@case("affinity-tokens", "only so many tokens of the beginning count as the policy says")
def tokens():
    first, second = Upstream(chat(tokens=2)), Upstream(chat(tokens=2))
    with Router(policy(first, second, "{ tokens: 4k }")) as router:
        # The first 256 tokens are the same, and of four thousand they are not.
        went = [ask(router, "same", f"{question}" * 400) for question in range(24)]
        assert 4 <= went.count("first") <= 20, went


@case("affinity-full", "a home that holds more than its share, or is full, shares with the others; one that is down is left until it is back")
def full():
    first, second = Upstream(chat(tokens=2, first=1.0)), Upstream(chat(tokens=2, first=1.0))
    with Router(policy(first, second, limit=3)) as router:
        mine = ask(router, "one")
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            went = list(pool.map(lambda n: ask(router, "one", f"{n}"), range(6)))
        assert went.count(mine) == 3, went
        first.answer = second.answer = chat(tokens=2)
        other = {"first": second, "second": first}[mine]
        {"first": first, "second": second}[mine].close()
        before = len(other.posts())
        assert {ask(router, "one") for _ in range(8)} == {"first", "second"} - {mine}
        assert len(other.posts()) == before + 8


@case("affinity-later", "deferred work goes home, too")
def later():
    first, second = Upstream(chat(tokens=2)), Upstream(chat(tokens=2))
    with Router(policy(first, second)) as router:
        homes = {system: ask(router, f"{system}") for system in range(12)}
        assert len(set(homes.values())) == 2, homes
        for system, where in homes.items():
            went = ask(router, f"{system}", "later", {"prefer": "respond-async, wait=20"})
            assert went == where, (system, went, where)
