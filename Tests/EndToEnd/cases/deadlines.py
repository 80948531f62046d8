"""What a restart does not do again, and what is over when its time is."""
import concurrent.futures
import contextlib
import time

from kit.cases import case, eventually
from kit.router import Router, free_port
from kit.upstream import Upstream, chat, failure

LIVE = """
backends: {{ slow: {{ api: vllm, url: "{}", price: {{ input: 1, output: 2 }} }} }}
models: {{ chat: {{ slow: m }} }}
classes: {{ realtime: {{ serve: now, use: [slow] }} }}
routes: [ {{ class: realtime }} ]
baseline: {{ backend: slow, model: requested, serve: now }}
"""


@case("P6-nothing-live-again", "after kill -9 a live request is not made again: its client is gone; the call is in the books as in doubt", 60)
def nothing_live_again():
    slow = Upstream(chat(tokens=3, first=30))
    with Router(LIVE.format(slow.url)) as router, concurrent.futures.ThreadPoolExecutor(4) as crowd:
        def one(stream):
            with contextlib.suppress(OSError, ValueError):
                router.chat(stream=stream, headers={"idempotency-key": f"key-{stream}"})
        for stream in (True, False):
            crowd.submit(one, stream)
        eventually(lambda: len(slow.posts()) == 2, 10, what="both calls at the backend")
        router.kill()
        router.start()
        time.sleep(3)
        assert len(slow.posts()) == 2, f"{len(slow.posts())} calls for two requests"
        ends = router.closed(2)
        assert {end["kind"] for end in ends} == {"in_doubt"} and all(end["cost"] is None and float(end["cost_high"]) > 0 for end in ends), ends
        # Whoever asks again with the same key is served: nothing is known to have come of the first.
        slow.answer = chat(tokens=3)
        assert router.chat(stream=False, headers={"idempotency-key": "key-False"}).status == 200


DEFERRED = """
windows: {{ far: {{ dates: 2030-01-01 }} }}
backends:
  hung: {{ api: vllm, url: "{hung}", price: {{ input: 1, output: 2 }} }}
  gone: {{ api: vllm, url: "http://127.0.0.1:{gone}/v1", price: {{ input: 1, output: 2 }} }}
  well: {{ api: vllm, url: "{well}", price: {{ input: 1, output: 2 }} }}
models: {{ chat: {{ hung: m, gone: m, well: m }} }}
classes:
  realtime: {{ serve: now, use: [well] }}
  hanging: {{ serve: later, use: [hung], deadline: 10s }}
  nobody: {{ serve: later, use: [gone], deadline: 10s }}
  closed: {{ serve: later, use: [well], during: far, deadline: 10s }}
  served: {{ serve: later, use: [well], deadline: 10s }}
routes:
  - {{ match: {{ metadata: {{ kind: hanging }} }}, class: hanging }}
  - {{ match: {{ metadata: {{ kind: nobody }} }}, class: nobody }}
  - {{ match: {{ metadata: {{ kind: closed }} }}, class: closed }}
  - {{ match: {{ metadata: {{ kind: served }} }}, class: served }}
  - {{ class: realtime }}
baseline: {{ backend: well, model: requested, serve: now }}
"""


@case("P7-deadlines", "work that was taken on is over when its deadline is, whatever its backend does, and though the process was killed meanwhile", 120, waits=True)
def deadlines():
    hung, well = Upstream(chat(tokens=3, first=600)), Upstream(chat(tokens=3))
    with Router(DEFERRED.format(hung=hung.url, well=well.url, gone=free_port())) as router:
        taken = time.monotonic()
        ids = {}
        for kind in ("hanging", "nobody", "closed", "served"):
            for _ in range(5):
                answer = router.chat(metadata={"kind": kind}, headers={"prefer": "respond-async"})
                assert answer.status == 202, answer
                ids[answer.json["id"]] = kind
        time.sleep(2)
        router.kill()
        router.start()

        def ended():
            found = {id: router.request("GET", f"/v1/jobs/{id}").status for id in ids}
            return None if 202 in found.values() else found
        found = eventually(ended, 70, 0.2, "the end of all jobs")
        took = time.monotonic() - taken
        assert took < 10 + 60, f"{took:.0f} s"
        assert all((status == 200) == (ids[id] == "served") for id, status in found.items()), found
        assert len(router.closed(1)) >= 1
        return f"{len(ids)} jobs over {took:.1f} s after they were taken on, with a deadline of 10 s"


FALLBACK = """
backends:
  cheap: {{ api: vllm, url: "{cheap}", price: {{ input: 1, output: 2 }} }}
  dear: {{ api: vllm, url: "{dear}", price: {{ input: 10, output: 20 }} }}
models: {{ chat: {{ cheap: m, dear: m }} }}
classes:
  realtime: {{ serve: now, use: [dear] }}
  patient: {{ serve: later, use: [cheap, dear], deadline: {deadline} }}
routes:
  - {{ match: {{ async: true }}, class: patient }}
  - {{ class: realtime }}
baseline: {{ backend: dear, model: requested, serve: now }}
"""


@case("deadline-other-backend", "a cheap backend that takes nothing (429, 503, nobody there) is waited for only as long as another of the class can still be in time", 60,
      waits=True)
def other_backend():
    took = {}

    def one(name):
        cheap, dear = Upstream(failure(int(name)) if name.isdigit() else None), Upstream(chat(tokens=3))
        if not name.isdigit():
            cheap.close()
        with Router(FALLBACK.format(cheap=cheap.url, dear=dear.url, deadline="16s")) as router:
            began = time.monotonic()
            id = router.chat(headers={"prefer": "respond-async"}).json["id"]
            found = eventually(lambda: (lambda a: a.status != 202 and a)(router.request("GET", f"/v1/jobs/{id}")), 30, 0.1, "its end")
            took[name] = time.monotonic() - began
            assert found.status == 200 and len(dear.posts()) == 1, (name, found, len(dear.posts()))
            ends = router.closed(len(cheap.posts()) + 1)
            assert {end["outcome"] for end in ends[:-1]} <= {"refused", "not_sent"} and ends[-1]["outcome"] == "ok", (name, ends)
    with concurrent.futures.ThreadPoolExecutor(3) as crowd:
        list(crowd.map(one, ("429", "503", "closed")))
    return ", ".join(f"{name}: {seconds:.0f} s of 16" for name, seconds in took.items())


@case("deadline-cheap-comes-back", "a cheap backend that says 'later' for a while, and not for too long, gets the work all the same", 60, waits=True)
def cheap_comes_back():
    cheap, dear = Upstream(failure(429)), Upstream(chat(tokens=3))
    with Router(FALLBACK.format(cheap=cheap.url, dear=dear.url, deadline="10m")) as router:
        id = router.chat(headers={"prefer": "respond-async"}).json["id"]
        time.sleep(5)
        cheap.answer = chat(tokens=3)
        found = eventually(lambda: (lambda a: a.status != 202 and a)(router.request("GET", f"/v1/jobs/{id}")), 40, 0.1, "its end")
        assert found.status == 200 and not dear.posts(), found
