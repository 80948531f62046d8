"""Where deferred work goes and when: the plan of the queue, seen from outside."""
from kit.cases import case, eventually
from kit.router import Router
from kit.upstream import Upstream, chat

LATER = {"prefer": "respond-async"}


def policy(own, dear, deadline="1h", kind="vllm", concurrent=2):
    return f"""
backends:
  own: {{ api: {kind}, url: {own.url}, limits: {{ concurrent: {concurrent} }}, price: {{ input: 0.10, output: 0.10 }} }}
  dear: {{ api: openai, url: {dear.url}, internal: true, price: {{ input: 10, output: 10 }} }}
models: {{ chat: {{ own: m, dear: m }} }}
classes:
  realtime: {{ serve: now, use: [own] }}
  patient: {{ serve: later, use: [own, dear], deadline: {deadline} }}
routes:
  - {{ match: {{ async: true }}, class: patient }}
  - {{ class: realtime }}
baseline: {{ backend: dear, model: requested, serve: now }}
"""


def metrics(waiting, running=1):
    text = f"vllm:num_requests_running 1\nvllm:num_requests_waiting{{model=\"m\"}} {waiting}\n".encode()
    return [b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n" % len(text), text]


def engine(waiting, delay=0.0):
    """A backend that tells its load and answers chats."""
    talk = chat(first=delay)

    def answer(call):
        if call.path == "/metrics":
            yield from metrics(waiting())
        else:
            yield from talk(call)
    return answer


def enqueue(router, n, headers=None):
    answer = router.chat(f"job {n}", headers={**LATER, **(headers or {})}, max_tokens=20)
    assert answer.status == 202, answer
    return answer


def done(router, ids, limit=60):
    def look():
        return all(router.request("GET", f"/v1/jobs/{id}").status == 200 for id in ids)
    eventually(look, limit, 0.1, "the end of the jobs")


@case("plan-own-first", "what fits into own capacity before its deadline waits for it; what does not goes to the dear backend, and is quoted so", 120, waits=True)
def plan_own_first():
    own, dear = Upstream(engine(lambda: 0, 0.1)), Upstream()
    with Router(policy(own, dear)) as router:
        answers = [enqueue(router, n) for n in range(40)]
        done(router, [answer.json["id"] for answer in answers])
        assert not dear.posts(), f"{len(dear.posts())} of 40 jobs that had an hour went to the dear backend"
        quote = answers[-1].headers["sluice-quote"]
        assert "finish=" in quote and "risk=" in quote, quote
    own, dear = Upstream(engine(lambda: 0, 1.0)), Upstream()
    with Router(policy(own, dear, "12s")) as router:
        answers = [enqueue(router, n) for n in range(60)]
        done(router, [answer.json["id"] for answer in answers])
        assert 5 <= len(own.posts()) and 20 <= len(dear.posts()), f"{len(own.posts())} own, {len(dear.posts())} dear"
        return f"40 of 40 on own capacity within an hour; {len(own.posts())} and {len(dear.posts())} of 60 within 12 s"


@case("engine-metrics", "an engine that says it has a line gets no deferred work until the line is gone; live requests go there all the time", 60, waits=True)
def engine_metrics():
    waiting = [0]
    own, dear = Upstream(engine(lambda: waiting[0], 0.3)), Upstream()

    def looks(more):
        count = len([call for call in own.calls if call.path == "/metrics"])
        eventually(lambda: len([call for call in own.calls if call.path == "/metrics"]) >= count + more, 15, what="a look at the metrics")
    with Router(policy(own, dear)) as router:
        jobs = [enqueue(router, n).json["id"] for n in range(40)]
        looks(1)
        waiting[0] = 9
        # One look may be under way, and one call.
        looks(2)
        before = len(own.posts())
        looks(1)
        assert len(own.posts()) <= before + 1, f"{len(own.posts()) - before} more calls while the engine has a line"
        assert router.chat("live").status == 200
        waiting[0] = 0
        done(router, jobs)
        assert all(call.headers.get("authorization") is None for call in own.calls if call.path == "/metrics")
