"""What a restart does not do again, and what is over when its time is."""
import concurrent.futures
import contextlib
import time

from kit.cases import case, eventually
from kit.router import Router, free_port
from kit.upstream import Upstream, chat

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
