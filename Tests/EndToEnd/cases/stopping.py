"""The end of a process that is told to end."""
import concurrent.futures
import json
import time

from kit.cases import case, eventually
from kit.router import Router
from kit.wire import stream

POLICY = """
backends:
  steady: { api: simulated, latency: { first_token: 10ms, per_token: 100ms }, tokens: { output: 30 }, price: { input: 2.50, output: 10.00 } }
models: { chat: { steady: sim-large } }
classes:
  realtime: { serve: now, use: [steady] }
  batch: { serve: later, use: [steady], deadline: 24h, during: { hours: 00:00-00:01 } }
routes:
  - { match: { async: true }, class: batch }
  - { class: realtime }
baseline: { backend: steady, model: requested, serve: now }
"""


def started(router, crowd):
    """A stream that takes three seconds, once it runs."""
    body = {"model": "chat", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    running = crowd.submit(stream, router, "/v1/chat/completions", body)
    eventually(lambda: router.admin("GET", "/api/backends").json["data"][0]["in_flight"] == 1, 10, what="a stream in flight")
    return running


@case("stop-in-order", "SIGTERM: readiness fails first, a stream that runs is finished, exit 0, and queued work is there after the next start", 90, waits=True)
def stop_in_order():
    with Router(POLICY) as router, concurrent.futures.ThreadPoolExecutor() as crowd:
        waiting = router.chat("later", headers={"prefer": "respond-async"})
        assert waiting.status == 202, waiting
        running = started(router, crowd)
        router.process.terminate()
        eventually(lambda: router.admin("GET", "/readyz").status == 503, 2, 0.02, "a readiness that fails")
        assert router.admin("GET", "/livez").status == 200, "the admin listener answers to the end"
        _, events = running.result()
        assert events[-1] == "[DONE]" and len(events) == 33, (len(events), events[-1])
        assert router.process.wait(20) == 0, router.process.returncode
        router.start()
        assert router.request("GET", waiting.headers["location"]).status == 202, "the queued job is gone"


@case("stop-at-the-limit", "SIGTERM: a stream that is longer than --drain ends with an error event at the limit, and so does the process", 90, waits=True)
def stop_at_the_limit():
    endless = POLICY.replace("per_token: 100ms", "per_token: 1s")
    with Router(endless, arguments=["--drain", "2s"]) as router, concurrent.futures.ThreadPoolExecutor() as crowd:
        running = started(router, crowd)
        began = time.monotonic()
        assert router.stop(10) == 0, router.process.returncode
        took = time.monotonic() - began
        assert 1.5 < took < 5, f"{took:.1f} s for a limit of 2 s"
        _, events = running.result()
        assert events[-1] != "[DONE]" and json.loads(events[-1]).get("error"), events[-1]


@case("stop-refuses", "SIGTERM: while a stream runs on, a new request is refused", 90, waits=True)
def stop_refuses():
    with Router(POLICY) as router, concurrent.futures.ThreadPoolExecutor() as crowd:
        running = started(router, crowd)
        router.process.terminate()
        eventually(lambda: router.admin("GET", "/readyz").status == 503, 2, 0.02, "a readiness that fails")
        # The event loops hear of it a moment after the readiness has changed.
        answer = eventually(lambda: (answer := router.chat()).status == 503 and answer, 2, 0.02, "a request that is refused")
        assert answer.error["code"] == "draining", answer
        assert running.result()[1][-1] == "[DONE]"


@case("stop-twice", "a second SIGTERM ends the process at once", 60)
def stop_twice():
    with Router(POLICY) as router, concurrent.futures.ThreadPoolExecutor() as crowd:
        running = started(router, crowd)
        router.process.terminate()
        time.sleep(0.2)
        began = time.monotonic()
        router.process.terminate()
        router.process.wait(10)
        assert time.monotonic() - began < 1, f"{time.monotonic() - began:.1f} s after the second one"
        assert running.exception(), "the stream looks whole"
