"""Every file of Tests/Corpus, played over raw sockets against the running router (`promises.md` P41)."""
import json
import time

from kit.cases import case, eventually
from kit.corpus import corpus, judge_all, resident_megabytes
from kit.raw import Conversation, request
from kit.router import Router
from kit.upstream import CUT, RESET, Upstream, whole
from kit.wire import events

SIMULATED = """
backends:
  quick: { api: simulated, latency: { first_token: 1ms, per_token: 1ms }, tokens: { output: 3 }, price: { input: 2.50, output: 10.00 } }
models: { chat: { quick: sim-large } }
classes: { realtime: { serve: now, use: [quick] } }
routes: [ { class: realtime } ]
baseline: { backend: quick, model: requested, serve: now }
"""
GOOD = request("/v1/chat/completions", '{"model":"chat","messages":[{"role":"user","content":"hi"}]}')


def code_of(reply):
    try:
        error = json.loads(reply.body)["error"]
        return error.get("code", "-") if isinstance(error, dict) else "-"
    except (ValueError, KeyError, TypeError):
        return "-"


@case("corpus-http", "HTTP that is malformed, unwanted or odd is answered as Tests/Corpus/http says, and the router is well afterwards", 240)
def corpus_http():
    with Router(SIMULATED) as router:
        router.chat()
        before = resident_megabytes(router.process)

        def judge(item):
            name, data, (statuses, code, after, *_) = item
            with Conversation(router.port) as talk:
                talk.send(data)
                if after == "closed-after-fin":
                    talk.finish()
                began = time.monotonic()
                wanted = [] if statuses == "-" else statuses.split()
                talk.listen(patience=8, until=len(wanted) or None).listen(patience=8)
                found = [str(status) for status in talk.statuses]
                if len(wanted) != len(found) or any(one not in choice.split("|") for one, choice in zip(found, wanted)):
                    return f"{name}: answered {found}, not {wanted}; closed {talk.closed}, {talk.received[:80]!r}"
                if code != "-" and found and code_of(talk.replies[-1]) != code:
                    return f"{name}: code {code_of(talk.replies[-1])}, not {code}: {talk.replies[-1]}"
                if after.startswith("closed") and not talk.closed or after == "open" and talk.closed:
                    return f"{name}: the connection is {'closed' if talk.closed else 'open'} after {time.monotonic() - began:.1f} s, not {after}"
        note = judge_all(corpus("http", ".raw"), judge)
        assert router.chat().status == 200
        grown = resident_megabytes(router.process) - before
        assert grown < 64, f"{grown:.0f} MB more than before"
        return f"{note}, {grown:.0f} MB more"


TWIN = """
backends:
  first: {{ url: "{}", price: {{ input: 1, output: 2 }} }}
  second: {{ url: "{}", price: {{ input: 1, output: 2 }} }}
models:
  own: {{ first: own, second: own }}
  meta-llama/Llama-3: {{ first: meta-llama/Llama-3 }}
pools: {{ both: {{ backends: [first, second], retry: 2 }} }}
classes: {{ realtime: {{ serve: now, use: [both] }} }}
routes: [ {{ class: realtime }} ]
baseline: {{ backend: first, model: requested, serve: now }}
"""


class Memory(Upstream):
    """Keeps the bytes of each body by a header that the case sets."""

    def __init__(self):
        self.bodies = {}

        def answer(call):
            self.bodies[call.headers.get("user-agent")] = call.raw
            yield whole(200, {"id": "x", "object": "chat.completion", "model": "own", "choices": [], "content": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
        super().__init__(answer)


@case("corpus-bodies", "bodies that are no request are 400 with the field in both dialects; the others reach the backend byte for byte", 300)
def corpus_bodies():
    backend = Memory()
    with Router(TWIN.format(backend.url, backend.url)) as router:
        def judge(item):
            name, data, (status, code, param, *_) = item
            for path in ("/v1/chat/completions", "/v1/messages"):
                agent = f"{name}@{path}"
                with Conversation(router.port, 60) as talk:
                    began = time.monotonic()
                    reply = next(iter(talk.send(request(path, data, [f"user-agent: {agent}"])).listen(patience=60, until=1).replies), None)
                took = time.monotonic() - began
                if path == "/v1/messages" and status == "200":
                    continue
                if reply is None or reply.status != int(status):
                    return f"{name} on {path}: {reply}, not {status}"
                if status == "200":
                    if backend.bodies.get(agent) != data:
                        return f"{name}: the backend got other bytes: {backend.bodies.get(agent, b'')[:200]!r}"
                    continue
                error = json.loads(reply.body)["error"]
                if path == "/v1/messages":
                    if error["type"] not in ("invalid_request_error", "not_found_error"):
                        return f"{name} on {path}: {error}"
                elif error["code"] != code or param != "-" and error["param"] != param:
                    return f"{name}: {error}, not {code} of {param}"
                if len(error["message"]) > 400:
                    return f"{name}: a message of {len(error['message'])} characters"
                if took > 20:
                    return f"{name}: {took:.1f} s"
        return judge_all(corpus("bodies", ".json"), judge, workers=4)


PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}
MARKER = {"chat": '{"choices":[{"index":0,"delta":{"content":"elsewhere"},"finish_reason":"stop"}]}', "messages": '{"type":"content_block_delta","delta":{"text":"elsewhere"}}', "responses": '{"type":"response.output_text.delta","delta":"elsewhere"}'}
LAST = {"chat": "[DONE]", "messages": '{"type":"message_stop"}', "responses": '{"type":"response.completed","response":{"status":"completed","usage":{"input_tokens":1,"output_tokens":1}}}'}


def framed(pieces, ending):
    yield b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    for piece in pieces:
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    if ending == "end":
        yield b"0\r\n\r\n"
    else:
        yield {"fin": CUT, "reset": RESET}[ending]


def is_usage_only(event):
    return b'"choices":[]' in event and b'"usage":{' in event


def without_usage(data):
    """The stream without events that carry nothing but usage."""
    ends = b"\r\n\r\n" if b"\r\n\r\n" in data else b"\n\n"
    return b"".join(event + ends for event in data.split(ends)[:-1] if not is_usage_only(event))


@case("corpus-events", "streams of backends, well-formed, odd, broken or cut, each in one piece, in threes and byte by byte", 300)
def corpus_events():
    files = {name: (data, columns) for name, data, columns in corpus("events", ".sse")}

    def first(call):
        name, size = call.headers["user-agent"].rsplit("@", 1)
        data, (_, ending, *_) = files[name]
        size = int(size) or max(1, len(data))
        return framed([data[place:place + size] for place in range(0, len(data), size)], ending)

    def second(call):
        kind = files[call.headers["user-agent"].rsplit("@", 1)[0]][1][0]
        return framed([f"data: {MARKER[kind]}\n\ndata: {LAST[kind]}\n\n".encode()], "end")

    backends = Upstream(first), Upstream(second)
    booked = {}

    def play(router, name, size):
        data, (endpoint, ending, outcome, ledger, *_) = files[name]
        body = json.dumps({"model": "own", "stream": True, "max_tokens": 9, "messages": [{"role": "user", "content": "x"}], "input": "x"})
        with Conversation(router.port) as talk:
            talk.send(request(PATHS[endpoint], body, [f"user-agent: {name}@{size}"])).listen(patience=15, until=1)
            reply = talk.replies[0] if talk.replies else None
        place = f"{name} in pieces of {size or 'all'}"
        if reply is None:
            return f"{place}: no whole answer: {talk.received[:300]!r}"
        booked[reply.headers["x-request-id"]] = (place, ledger)
        if ending == "reset" and reply.status == 502:
            return None
        return fault_of(place, reply, data, outcome)

    policy = TWIN.format(backends[0].url, backends[1].url).replace("{ url", "{ api: vllm, url")
    with Router(policy) as router:
        faults = []
        for size in (0, 3, 1):
            for name in files:
                faults.append(play(router, name, size))
                # A breaker opens after five failures in a row: one good answer in between keeps it shut.
                faults.append(play(router, "plain", 0))
        def of_the_first():
            entries = [entry for entry in router.closed() if entry["backend"] == "first"]
            return entries if len(entries) >= len(booked) else None
        assert not any(faults), "\n".join(fault for fault in faults if fault)
        entries = eventually(of_the_first, 10, 0.2, f"{len(booked)} entries of the first backend")
        for entry in entries:
            place, outcome = booked[entry["request_id"]]
            if entry["outcome"] not in outcome.split("|"):
                faults.append(f"{place}: the ledger says {entry['outcome']}, not {outcome}")
        faults = [fault for fault in faults if fault]
        assert not faults, f"{len(faults)}:\n" + "\n".join(faults)
        assert len(entries) == len(booked), f"{len(entries)} entries for {len(booked)} calls"
        return f"{len(files)} streams, three ways each"


def fault_of(place, reply, data, outcome):
    got = reply.body
    if outcome.isdigit():
        return None if reply.status == int(outcome) else f"{place}: {reply}, not {outcome}"
    if reply.status != 200:
        return f"{place}: {reply}"
    if outcome == "error":
        last = events(got)[-1]
        looks_whole = b"[DONE]" in got or b"event: message_stop" in got or b"event: response.completed" in got
        return f"{place}: a clean end: {got!r}" if looks_whole or "error" not in last and "failed" not in last else None
    is_right = {
        "same": got == data, "less-usage": got == without_usage(data), "same-without-tail": data.startswith(got) and b"[DONE]" not in got,
        "elsewhere": b"elsewhere" in got and b"busy" not in got,
    }[outcome]
    return None if is_right else f"{place}, {outcome}: {got!r}"


# What stands in a request's head besides the key's own: the status, once a key is configured.
CREDENTIALS = [
    ([], 401), (["authorization: Bearer KEY"], 200), (["authorization: bearer KEY"], 200), (["authorization: BEARER  KEY"], 200), (["x-api-key: KEY"], 200), (["authorization: Bearer KEY", "x-api-key: KEY"], 200),
    (["authorization: Bearer KEY", "x-api-key: other"], 401), (["x-api-key: other", "authorization: Bearer KEY"], 401), (["authorization: Bearer KEY", "authorization: Bearer other"], 401), (["authorization: KEY"], 401),
    (["authorization: Basic KEY"], 401), (["authorization: Bearer"], 401), (["authorization: Bearer "], 401), (["authorization: Bearer Bearer KEY"], 401), (["authorization: BearerKEY"], 401), (["x-api-key:"], 401),
    (["authorization: Bearer KEYx"], 401), (["authorization: Bearer KEX"], 401), (["authorization: Bearer " + "k" * 10_000], 401), (["authorization: Bearer ' or 1=1--"], 401), (["authorization: Bearer '||1=1--"], 401),
    (["authorization: Bearer \xe4\xf6\xfc"], 401), (["authorization: Bearer KEY\t"], 200), (["cookie: authorization=Bearer KEY"], 401), (["x-api-key: KEY, KEY"], 401), (["proxy-authorization: Bearer KEY"], 401),
]


@case("corpus-keys", f"{len(CREDENTIALS)} ways to say who one is: only the key itself is let in, hot and cold, and a revoked one no more", 60)
def corpus_keys():
    with Router(SIMULATED) as router:
        router.stop()
        key = router.run("keys", "new", "mine", "--data", str(router.data), "--output", "json")
        key = json.loads(key.stdout)["key"]
        router.run("keys", "new", "other", "--data", str(router.data))
        router.start()
        faults = []
        for lines, status in CREDENTIALS:
            for path, method, body in [("/v1/chat/completions", "POST", GOOD.split(b"\r\n\r\n", 1)[1]), ("/v1/messages", "POST", GOOD.split(b"\r\n\r\n", 1)[1]), ("/v1/models", "GET", b"")]:
                headers = [line.replace("KEY", key).replace("KEX", key[:-1] + ("a" if key[-1] != "a" else "b")) for line in lines]
                with Conversation(router.port) as talk:
                    reply = (talk.send(request(path, body, headers, method)).listen(until=1).replies or [None])[0]
                if reply is None or reply.status != status or status == 401 and key.encode() in reply.body:
                    faults.append(f"{lines} on {path}: {reply}, not {status}")
        assert not faults, "\n".join(faults)
        router.run("keys", "revoke", "mine", "--data", str(router.data))
        answer = eventually(lambda: (found := router.request("GET", "/v1/models", headers={"x-api-key": key})).status == 401 and found, 10, what="an end of the revoked key")
        assert answer.error["code"] == "invalid_api_key", answer
