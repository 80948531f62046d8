"""Clients that wait on their connection for cheaper capacity: for as long as the class holds it, and what comes then."""
import json

from kit.cases import case
from kit.router import Router
from kit.upstream import Upstream, chat


def policy(own, dear, words):
    return f"""
backends:
  own: {{ api: vllm, url: {own.url}, price: {{ input: 0.10, output: 0.10 }} }}
  dear: {{ api: vllm, url: {dear.url}, price: {{ input: 10, output: 10 }} }}
models: {{ chat: {{ own: m, dear: m }} }}
classes:
  realtime: {{ serve: now, use: [dear] }}
  held: {{ serve: later, use: [own], deadline: 1h, hold: 1s, {words} }}
routes:
  - {{ match: {{ metadata: {{ job: held }} }}, class: held }}
  - {{ match: {{ async: true }}, class: held }}
  - {{ class: realtime }}
baseline: {{ backend: dear, model: requested, serve: now }}
"""


PROMOTED = "promote: { before_deadline: 10m, to: dear }"


@case("hold-promotes-running", "a call that has no answer when the hold is over is dropped, and the request goes to where it is promoted at once")
def promotes_running():
    own, dear = Upstream(chat(first=60)), Upstream(chat(tokens=2))
    with Router(policy(own, dear, PROMOTED)) as router:
        answer = router.chat(metadata={"job": "held"}, timeout=10)
        assert answer.status == 200 and "backend=dear" in answer.headers["sluice-route"], answer
        ends = router.closed(2)
        assert [(end["backend"], end["kind"], end["outcome"]) for end in ends] == [("own", "waste", "superseded"), ("dear", "settled", "ok")], ends
        assert len(own.posts()) == len(dear.posts()) == 1 and own.posts()[0].end == "left"


@case("hold-promoted-stays", "what runs where it was promoted to is left alone: it is asked once, and answered")
def promoted_stays():
    own, dear = Upstream(), Upstream(chat(tokens=2, first=4))
    with Router(policy(own, dear, "during: far, " + PROMOTED).replace("models:", "windows: { far: { dates: 2031-01-01 } }\nmodels:", 1)) as router:
        answer = router.chat(metadata={"job": "held"}, timeout=10)
        assert answer.status == 200 and len(dear.posts()) == 1 and not own.posts(), answer


@case("hold-over", "without promotion, or where a call may not be made again, the client is told that its call was dropped")
def over():
    for words in ("retry_ambiguous: 2", "retry_ambiguous: 0, " + PROMOTED):
        own, dear = Upstream(chat(first=60)), Upstream()
        with Router(policy(own, dear, words)) as router:
            answer = router.chat(metadata={"job": "held"}, timeout=10)
            assert answer.status == 429 and answer.json["error"]["code"] == "resource_unavailable", answer
            assert "was dropped" in answer.json["error"]["message"] and "not run" not in answer.json["error"]["message"], answer
            assert len(router.closed(1)) == 1 and not dear.posts()


@case("hold-promoted-bound", "a client whose promoted request has no answer either is told so before its own time-out")
def promoted_bound():
    own, dear = Upstream(chat(first=60)), Upstream(chat(first=60))
    with Router(policy(own, dear, PROMOTED)) as router:
        answer = router.chat(metadata={"job": "held"}, headers={"x-stainless-read-timeout": "6"}, timeout=6)
        assert answer.status == 429 and "was dropped" in answer.json["error"]["message"], answer
        assert sorted(end["backend"] for end in router.closed(2)) == ["dear", "own"]


@case("hold-streams", "a stream that was waited for is one: the backend's events, with the usage that was asked for")
def streams():
    own, dear = Upstream(chat(tokens=3)), Upstream()
    with Router(policy(own, dear, "retry_ambiguous: 2")) as router:
        for more in ({"metadata": {"job": "held"}}, {"service_tier": "flex"}, {"headers": {"prefer": "respond-async, wait=10"}}):
            answer = router.chat(stream=True, stream_options={"include_usage": True}, **more)
            assert answer.status == 200 and answer.headers["content-type"] == "text/event-stream", answer
            events = [line[6:] for line in answer.body.decode().split("\n") if line.startswith("data: ")]
            assert events.pop() == "[DONE]", events
            events = [json.loads(event) for event in events]
            assert "".join(c["delta"].get("content", "") for event in events for c in event["choices"]) == "word " * 3, events
            assert [event["usage"]["completion_tokens"] for event in events if event.get("usage")] == [3], events
