"""Where deferred work goes and when: the plan of the queue, seen from outside."""
import datetime
import json

from cases.batch_corpus import batch_of, ended, upload
from cases.outputs import fault
from kit.cases import case, eventually
from kit.router import Router, run
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


REQUEUED = """
windows: {{ once: {{ dates: {once} }}, other: {{ dates: {other} }} }}
backends: {{ own: {{ api: openai, url: "{url}", price: {{ input: 1, output: 1 }} }} }}
models: {{ chat: {{ own: m }} }}
classes:
  live: {{ serve: now, use: [own] }}
  night: {{ serve: later, use: [own], deadline: 24h, during: once }}
  later: {{ serve: later, use: [own], deadline: 48h, during: other }}
  soon: {{ serve: later, use: [own], deadline: 1h }}
routes:
  - {{ match: {{ async: true }}, class: night }}
  - {{ class: live }}
baseline: {{ backend: own, model: requested, serve: now }}
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


@case("requeue", "a reload leaves what waits in its class, and with `requeue` gives it the class and the times of the new policy", 60, waits=True)
def requeue():
    upstream = Upstream(chat(tokens=2))
    once, other = (datetime.date.today() + datetime.timedelta(days) for days in (3, 4))
    old = REQUEUED.format(url=upstream.url, once=once, other=other)
    line = b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"chat","messages":[]}}\n'
    with Router(old) as router:
        jobs = [enqueue(router, n).json["id"] for n in range(3)]
        batch = batch_of(router, upload(router, line).json["id"]).json["id"]

        def rows():
            return {row["job_id"]: row for row in router.admin("GET", "/api/queue").json["data"]}
        # A batch is in progress once its file is checked; its lines are stored after that.
        eventually(lambda: len(rows()) == 4, what="the batch's line in the queue")
        before = rows()
        assert {(row["class"], row["status"]) for row in before.values()} == {("night", "held")}, before

        def reload(body):
            return router.admin("POST", "/api/reload", body)
        for wrong in ({"requeue": 1}, {"requeue": "true"}, [], "{"):
            assert reload(wrong).status == 400, wrong
        assert reload(None).json.keys() == {"schema", "policy"} and reload({"requeue": False}).json.keys() == {"schema", "policy"}
        assert reload({"requeue": True}).json["requeued"] == 0, "the same policy changes nothing"
        router.write(old.replace("async: true }, class: night", "async: true }, class: later"))
        assert reload({}).status == 200
        assert rows() == before, "a plain reload changes what waits"
        answer = reload({"requeue": True})
        assert answer.json["requeued"] == 4 and fault(answer.json, json.loads(run("schema", "reload").stdout)) is None, answer
        after = rows()
        for id, row in after.items():
            assert row["class"] == "later" and row["status"] == "held" and row["not_before"] != before[id]["not_before"], row
            # A batch's window is the client's own word.
            assert (row["deadline"] == before[id]["deadline"]) == (row["batch_id"] is not None), (row, before[id])
        router.kill()
        router.start()
        assert rows() == after
        router.write(old.replace("async: true }, class: night", "async: true }, class: soon"))
        assert reload({"requeue": True}).json["requeued"] == 4
        done(router, jobs)
        assert ended(router, batch)["request_counts"]["completed"] == 1
        assert {entry["class"] for entry in router.closed(4)} == {"soon"}


RETRIED = """
backends: {{ own: {{ api: openai, url: "{url}", price: {{ input: 1, output: 1 }} }} }}
models: {{ chat: {{ own: m }}{more} }}
classes:
  live: {{ serve: now, use: [own] }}
  patient: {{ serve: later, use: [own], deadline: 24h }}
routes:
  - {{ match: {{ async: true }}, class: patient }}
  - {{ class: live }}
baseline: {{ backend: own, model: requested, serve: now }}
"""


@case("retry-unknown-model", "a line whose model the policy did not know fails again at a retry as long as it does not, and runs once it does", 60)
def retry_unknown_model():
    own = Upstream(chat(tokens=2))
    with Router(RETRIED.format(url=own.url, more="")) as router:
        lines = b"".join(json.dumps({"custom_id": model, "method": "POST", "url": "/v1/chat/completions", "body": {
            "model": model, "messages": [{"role": "user", "content": model}], **more}}).encode() + b"\n"
            for model, more in (("chat", {}), ("new", {}), ("dear", {"sluice": {"max_cost": 1e-9}})))
        batch = batch_of(router, upload(router, lines).json["id"]).json["id"]

        def counts(retried):
            if retried:
                assert router.request("POST", f"/v1/batches/{batch}/retry").status == 200
            found = ended(router, batch)
            assert found["status"] == "completed", found
            return found["request_counts"]["completed"], found["request_counts"]["failed"]
        assert counts(False) == (1, 2)
        assert counts(True) == (1, 2), "it is still unknown"
        router.write(RETRIED.format(url=own.url, more=", new: { own: m }, dear: { own: m }"))
        assert router.admin("POST", "/api/reload", {}).status == 200
        # What a line may cost holds also for one that had no class.
        assert counts(True) == (2, 1)
        assert sorted(call.text for call in own.posts()) == ["chat", "new"]


@case("retry-closed-window", "a job that is retried while the window of its class is closed waits for it, and says so")
def retry_closed_window():
    own = Upstream(chat(tokens=2))
    day = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2)).date()
    with Router(REQUEUED.format(url=own.url, once=day, other=day)) as router:
        id = enqueue(router, 1).json["id"]
        first = router.request("GET", f"/v1/jobs/{id}").json
        assert router.request("POST", f"/v1/jobs/{id}/cancel").json["status"] == "cancelled"
        retried = json.loads(router.run("queue", "retry", id, "--data", str(router.data), "--output", "json").stdout)
        again = router.request("GET", f"/v1/jobs/{id}").json
        assert first["status"] == again["status"] == retried["status"] == "held", (first, again, retried)
        assert again["not_before"] == first["not_before"] and not own.posts(), (first, again)


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
