"""Backends that fail: what clients see of it, and how often backends are asked."""
import concurrent.futures
import itertools
import json
import random
import socket
import ssl
import statistics
import time

from kit.cases import case, eventually, scaled
from kit.raw import Conversation, request, silent_host
from kit.router import Router, certificate, free_port
from kit.upstream import CUT, RESET, Upstream, chat, failure, whole
from kit.wire import events

POLICY = """
backends:
  first: {{ api: vllm, url: "{}", price: {{ input: 1, output: 2 }} }}
  second: {{ api: vllm, url: "{}", price: {{ input: 1, output: 2 }} }}
  third: {{ api: vllm, url: "{}", price: {{ input: 1, output: 2 }} }}
models: {{ own: {{ first: own, second: own, third: own }}, hasty: {{ first: own }} }}
pools: {{ all: {{ backends: [{}], retry: 3 }} }}
classes:
  realtime: {{ serve: now, use: [all] }}
  hasty: {{ serve: now, use: [all], timeouts: {{ first_token: 300ms, idle: 300ms }} }}
routes: [ {{ match: {{ model: hasty }}, class: hasty }}, {{ class: realtime }} ]
baseline: {{ backend: first, model: requested, serve: now }}
"""


def router_of(*upstreams, pool="first"):
    urls = [upstream if isinstance(upstream, str) else upstream.url for upstream in upstreams]
    urls += urls[:1] * (3 - len(urls))
    return Router(POLICY.format(*urls, pool))


def ask(path="/v1/chat/completions", stream=True, text="x", model="own"):
    return request(path, json.dumps({"model": model, "stream": stream, "max_tokens": 9, "input": "x", "messages": [{"role": "user", "content": text}]}))


def chunked(*texts):
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(text.encode()), text.encode()) for text in texts) + b"0\r\n\r\n"


def event(kind, **fields):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"


def data(**fields):
    return f"data: {json.dumps(fields)}\n\n"


STREAMS = {
    "/v1/chat/completions": chunked(
        data(id="c", choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}}]), *[data(choices=[{"index": 0, "delta": {"content": "word "}}]) for _ in range(3)],
        data(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]), data(choices=[], usage={"prompt_tokens": 1, "completion_tokens": 3}), "data: [DONE]\n\n"),
    "/v1/messages": chunked(
        event("message_start", message={"id": "m", "usage": {"input_tokens": 1, "output_tokens": 1}}), *[event("content_block_delta", index=0, delta={"type": "text_delta", "text": "word "}) for _ in range(3)],
        event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 3}), event("message_stop")),
    "/v1/responses": chunked(
        event("response.created", sequence_number=0, response={"id": "r", "status": "in_progress"}), *[event("response.output_text.delta", sequence_number=n + 1, delta="word ") for n in range(3)],
        event("response.completed", sequence_number=9, response={"id": "r", "object": "response", "status": "completed", "usage": {"input_tokens": 1, "output_tokens": 3}})),
}


def looks_whole(reply):
    """Whether a reader would find the dialect's own end; what is no JSON is none to anybody."""
    return any(data == "[DONE]" or kind_of(data) in ("message_stop", "response.completed") for data in events(reply.body) if reply.status == 200)


def kind_of(data):
    try:
        return json.loads(data).get("type")
    except ValueError:
        return None


# What may come in place of the rest of a stream, and how often the whole promise is played: a stall waits for the class's patience.
BREAKS = {
    "FIN": (lambda path: [CUT], scaled(40, 200)), "RST": (lambda path: [RESET], scaled(40, 200)),
    "garbage": (lambda path: [b"\0\xff<html>zz\r\n\r\n\x80", CUT], scaled(20, 200)),
    "an error event": (lambda path: [in_stream_error(path), CUT], scaled(20, 200)), "silence": (lambda path: [10], scaled(3, 200)),
}


def in_stream_error(path):
    fields = {"error": {"type": "overloaded_error", "message": "busy"}}
    text = data(**fields) if path == "/v1/chat/completions" else event("error", **fields) if path == "/v1/messages" else event("error", code="server_error", message="busy")
    return b"%x\r\n%s\r\n" % (len(text.encode()), text.encode())


@case("P16-cut-anywhere", "a stream that breaks off at any byte of its wire, by FIN, RST, silence, garbage or an error event, never looks like success in any dialect", 300)
def cut_anywhere():
    counts = {"errors": 0, "statuses": 0}
    plan = {}

    def answer(call):
        yield STREAMS[call.path][:plan["place"]]
        yield from plan["then"]

    upstream = Upstream(answer)
    with router_of(upstream) as router:
        for (path, wire), (what, (steps, count)) in itertools.product(STREAMS.items(), BREAKS.items()):
            # Between chunks an error event is one; anywhere else it is garbage.
            ends = [place + 4 for place in range(len(wire)) if wire.startswith((b"\r\n\r\n", b"\n\n\r\n"), place)][:-1] if what == "an error event" else []
            for place in sorted(random.Random(1).sample(range(len(wire) - 1), min(count, len(wire) - 2)) + [0, len(wire) - 1, len(wire) - 5] + ends):
                plan["place"], plan["then"] = place, steps(path)
                with Conversation(router.port) as talk:
                    reply = (talk.send(ask(path, model="hasty" if what == "silence" else "own")).listen(until=1, patience=15).replies or [None])[0]
                where = f"{path} broken off by {what} behind {place} of {len(wire)} bytes"
                assert reply is not None, f"{where}: no whole answer: {talk.received!r}"
                assert not looks_whole(reply), f"{where}: {reply.body!r}"
                if reply.status == 200:
                    last = events(reply.body)[-1]
                    assert "error" in last, f"{where}: {reply.body!r}"
                    counts["errors"] += 1
                else:
                    # A breaker that has opened answers 503 (529 on messages) without a call.
                    assert reply.status in (502, 503, 504, 529), f"{where}: {reply}"
                    counts["statuses"] += 1
                plan["place"], plan["then"] = len(wire), []
                with Conversation(router.port) as talk:
                    good = talk.send(ask(path)).listen(until=1, patience=15).replies
                assert good and good[0].status == 200 and looks_whole(good[0]), f"the next stream: {good}"
        total = sum(counts.values())
        outcomes = [entry["outcome"] for entry in router.closed(2 * total, 30)]
        assert outcomes.count("ok") == total, f"{outcomes.count('ok')} of {len(outcomes)} are booked as whole, {total} were"
    assert counts["errors"] > 60, counts
    return f"{counts['errors']} error events, {counts['statuses']} statuses"


@case("P17-first-event", "streams whose first event is an error are answered by another backend, nobody sees it, and the first token is hardly later for it", 120)
def first_event():
    def busy(call):
        yield chunked(": ping\n\n", data(error={"message": "busy", "type": "overloaded_error"}))
    broken, good = Upstream(busy), Upstream(chat(tokens=3))
    count, times = scaled(60, 1000), {True: [], False: []}
    with router_of(broken, good, pool="first, second") as router:
        for number in range(6 * count):
            # As many as the budget of retries carries: every fifth request earns one. Good ones in between keep the breaker of the first shut.
            is_busy = number % 6 == 0
            broken.answer = busy if is_busy else chat(tokens=3)
            before = len(good.calls)
            with Conversation(router.port) as talk:
                talk.send(ask())
                began = time.monotonic()
                while b"word" not in talk.received and not talk.replies and not talk.closed:
                    talk.read()
                times[is_busy].append(time.monotonic() - began)
                reply = talk.listen(until=1).replies[0]
            assert reply.status == 200 and looks_whole(reply) and b"busy" not in reply.body, reply.body
            assert (len(good.calls) > before) == is_busy, f"request {number} went to the wrong one"
        added = statistics.median(times[True]) - statistics.median(times[False])
        assert added < scaled(0.05, 0.005), f"{added * 1000:.1f} ms more to the first token"
        return f"{len(good.posts())} streams went elsewhere; first token p50 {statistics.median(times[False]) * 1000:.1f} ms, {added * 1000:.1f} ms more with one error before it"


@case("P17-rate-limited", "a stream whose first event says that it is one too many, with nobody else to ask, is a 429 that says when to ask again", 60)
def rate_limited_event():
    def limited(call):
        yield chunked(data(error={"message": "one too many", "type": "rate_limit_error", "code": "rate_limit_exceeded"}))
    with router_of(Upstream(limited)) as router:
        with Conversation(router.port) as talk:
            reply = talk.send(ask()).listen(until=1).replies[0]
        assert reply.status == 429 and 1 <= int(reply.headers["retry-after"]) <= 60, f"{reply} {reply.headers}"


AMBIGUOUS = {
    "a reset without an answer": [RESET], "half a status line": [b"HTTP/1.1 20", CUT], "half a head": [b"HTTP/1.1 200 OK\r\ncontent-type: app", CUT],
    "half a body": [whole(200, {"id": "x"})[:-3], CUT], "half a body, reset": [whole(200, {"id": "x"})[:-3], RESET], "half a JSON": [whole(200, {"id": "x"}).replace(b'{"id": "x"}', b'{"id": "x" ')],
    "no body": [b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"], "a page": [b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>"], "no HTTP": [b"hello\r\n\r\n", CUT],
    "two lengths": [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}", CUT], "half a chunk": [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{", CUT], "a broken chunk": [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", CUT],
    "a head of a megabyte": [b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000 + b"\r\n\r\n", CUT],
}


@case("P19-nothing-twice", f"{len(AMBIGUOUS)} ways to fail after the request was sent: no backend is asked a second time, no client is told that all is well", 120)
def nothing_twice():
    plan = {}
    upstreams = [Upstream(lambda call: iter(plan["now"])) for _ in range(3)]
    with router_of(*upstreams, pool="first, second, third") as router:
        for (what, steps), stream in itertools.product(AMBIGUOUS.items(), (False, True)):
            for _ in range(scaled(2, 100)):
                before = sum(len(upstream.posts()) for upstream in upstreams)
                plan["now"] = steps
                with Conversation(router.port) as talk:
                    reply = talk.send(ask(stream=stream)).listen(until=1, patience=15).replies[0]
                asked = sum(len(upstream.posts()) for upstream in upstreams) - before
                assert asked == 1 and reply.status == 502, f"{what}: asked {asked} times, {reply}"
                # One good answer keeps the breakers shut, so that the next fault is met as well.
                plan["now"] = [whole(200, {"id": "x", "object": "chat.completion", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})]
                with Conversation(router.port) as talk:
                    assert talk.send(ask(stream=False)).listen(until=1).statuses == [200], f"after {what}"


class HalfReader(Upstream):
    """Reads so many bytes of a request and hangs up, where `most` is given."""

    most, tries = None, 0

    def _read(self, reader):
        # What holds when the request comes counts, not when the one before it was answered.
        reader.peek(1)
        if self.most is None:
            return super()._read(reader)
        self.tries += reader.read(self.most) != b""
        return None


@case("P19-half-read", "a backend that hangs up in the head, behind it or in the body of a request is asked once, and nobody else is", 120)
def half_read():
    upstreams, count = [HalfReader(chat(tokens=2)) for _ in range(3)], scaled(3, 100)
    with router_of(*upstreams, pool="first, second, third") as router:
        for most, stream in itertools.product((1, 60, 600, 100_000), (False, True)):
            for _ in range(count):
                before = sum(upstream.tries for upstream in upstreams)
                for upstream in upstreams:
                    upstream.most = most
                reply = router.chat("x" * 300_000, model="own", stream=stream)
                asked = sum(upstream.tries for upstream in upstreams) - before
                assert asked == 1 and reply.status == 502, f"after {most} bytes: asked {asked} times, {reply}"
                for upstream in upstreams:
                    upstream.most = None
                assert router.chat(model="own").status == 200, f"after {most} bytes"
        return f"{8 * count} requests"


@case("P19-not-sent", "a name that is none, a port that refuses, TLS with somebody who has none: the next backend is asked, once, and no client sees it", 120)
def not_sent():
    plain, count, said = Upstream(), scaled(10, 100), []
    urls = {"no name": "http://nothing.invalid/v1", "no name, TLS": "https://nothing.invalid/v1", "refused": f"http://127.0.0.1:{free_port()}/v1", "no TLS": plain.url.replace("http", "https")}
    for what, url in urls.items():
        good = Upstream(chat(tokens=2))
        with Router(POLICY.format(url, good.url, good.url, "first, second").replace("first: { api", "first: { internal: true, api")) as router:
            for _ in range(count):
                assert router.chat(model="own").status == 200, what
            assert len(good.posts()) == count, f"{what}: {len(good.posts())} calls for {count} requests"
            lost = [entry for entry in router.closed(count) if entry["outcome"] == "not_sent"]
            # Somebody without TLS may also wait for the rest of what is no line to him: three time-outs count as much as five refusals.
            assert len(lost) >= 3 and all(entry["cost"] == "0" for entry in lost), f"{what}: {lost[:3]}"
            said.append(f"{what}: {len(lost)} tries")
    assert not plain.posts()
    return f"{count} requests each; " + ", ".join(said)


@case("P20-amplification", "backends that fail 1, 10, 50 and 100 % of the time are asked at most 1.2 times as often as clients ask, and ten times", 120)
def amplification():
    said = []
    for share in (0.01, 0.1, 0.5, 1.0):
        chance = random.Random(share)
        flaky = [Upstream(lambda call: (failure(500) if chance.random() < share else chat(tokens=2))(call)) for _ in range(3)]
        count = scaled(200, 5000)
        with router_of(*flaky, pool="first, second, third") as router, concurrent.futures.ThreadPoolExecutor(8) as crowd:
            answers = list(crowd.map(lambda _: router.chat(model="own").status, range(count)))
        asked = sum(len(upstream.posts()) for upstream in flaky)
        assert asked <= 1.2 * count + 10, f"{asked} calls for {count} requests at {share:.0%}"
        said.append(f"{share:.0%}: {asked / count:.2f}")
        assert set(answers) <= {200, 502, 503}, set(answers)
    return ", ".join(said)


@case("P21-dead-backend", "a backend that refuses connections costs no client an answer and is left alone after five tries", 60)
def dead_backend():
    good = Upstream(chat(tokens=2))
    with router_of(f"http://127.0.0.1:{free_port()}/v1", good, pool="first, second") as router:
        times = []
        for _ in range(scaled(100, 1000)):
            began = time.monotonic()
            assert router.chat(model="own").status == 200
            times.append(time.monotonic() - began)
        attempts = [entry for entry in router.closed(len(times)) if entry["outcome"] == "not_sent"]
    # A probe after 1 s, 2 s, 4 s of the run's own time.
    assert 5 <= len(attempts) <= 5 + 2 + sum(times), f"{len(attempts)} attempts"
    return f"slowest {max(times) * 1000:.0f} ms, {len(attempts)} attempts at the dead one"


@case("P21-killed-at-200-a-second", "one of three backends goes away at 200 requests a second: no client sees it, and hardly one waits for it", 120)
def killed_under_load():
    seconds, rate = scaled(4, 30), 200
    backends = [Upstream(chat(tokens=2)) for _ in range(3)]
    with router_of(*backends, pool="first, second, third") as router, concurrent.futures.ThreadPoolExecutor(16) as crowd:
        def offered():
            start = time.monotonic()

            def one(number):
                time.sleep(max(0, start + number / rate - time.monotonic()))
                began = time.monotonic()
                status = router.chat(model="own").status
                return status, (time.monotonic() - began) * 1000
            return list(crowd.map(one, range(int(rate * seconds))))
        offered()
        before = offered()
        # Between two requests: one that was under way could not be asked again.
        backends[0].close()
        after = offered()
        tries = [entry for entry in router.closed(3 * len(after), 30) if entry["outcome"] == "not_sent"]
    lost = [status for status, _ in before + after if status != 200]
    assert not lost, f"{len(lost)} of {len(after)} answers: {set(lost)}"
    p99 = [sorted(ms for _, ms in answers)[int(len(answers) * 0.99)] for answers in (before, after)]
    figures = f"p99 {p99[0]:.1f} ms with three, {p99[1]:.1f} ms with one gone; {len(tries)} tries at the one that was gone in {seconds} s"
    # Five at once, though those under way together may be more, then one after each pause of 1, 2, 4, ... s.
    assert 5 <= len(tries) <= 5 + 16 + 5, figures
    assert p99[1] - p99[0] <= scaled(100, 10), figures
    return figures


@case("P21-black-hole", "a backend whose host does not answer at all costs three requests the connect time-out, then one at each probe", 60, waits=True)
def black_hole():
    said = []
    for scheme in ("http", "https"):
        good = Upstream(chat(tokens=2))
        with silent_host() as port, Router(POLICY.format(f"{scheme}://127.0.0.1:{port}/v1", good.url, good.url, "first, second").replace("first: { api", "first: { internal: true, api")) as router:
            times = []
            for _ in range(scaled(30, 300)):
                began = time.monotonic()
                assert router.chat(model="own").status == 200
                times.append((began, time.monotonic() - began))
            # A probe 1 s after the third, then 2 s after that one's end, and so on.
            slow = [(began, took) for began, took in times if took > 0.7]
            pauses = [after - before - took for (before, took), (after, _) in zip(slow[2:], slow[3:])]
            assert len(slow) >= 3 and all(pause > 0.95 * 2 ** number for number, pause in enumerate(pauses)), (slow, pauses)
            assert max(took for _, took in times) < scaled(2.5, 1.3), times
            said.append(f"{scheme}: {len(slow)} of {len(times)} waited, {max(took for _, took in times) * 1000:.0f} ms at most")
    return "; ".join(said)


@case("P22-never-the-last", "backends that all fail are still tried once a second, and serve again as soon as they can", 60)
def never_the_last():
    broken = [Upstream(failure(500)) for _ in range(2)]
    with router_of(*broken, pool="first, second") as router:
        for _ in range(10):
            router.chat(model="own")
        before, began, statuses = sum(len(upstream.posts()) for upstream in broken), time.monotonic(), set()
        while time.monotonic() - began < 6:
            statuses.add(router.chat(model="own").status)
            time.sleep(0.05)
        tried = sum(len(upstream.posts()) for upstream in broken) - before
        assert statuses <= {502, 503} and 5 <= tried <= 30, f"{tried} tries in 6 s, {statuses}"
        for upstream in broken:
            upstream.answer = chat(tokens=2)
        began = time.monotonic()
        while router.chat(model="own").status != 200:
            assert time.monotonic() - began < 3, "they are well, and nobody asks them"
            time.sleep(0.05)
        return f"{tried} tries in 6 s, served again after {time.monotonic() - began:.1f} s"


@case("P22-health", "a backend that fails its health check gets no traffic until one goes well; where it is the last it is asked all the same", 60)
def health():
    well = {"first": True}

    def answer(call):
        if call.method == "GET":
            yield whole(200 if well["first"] else 503, {})
        else:
            yield from chat(tokens=2)(call)
    first, second = Upstream(answer), Upstream(chat(tokens=2))
    policy = POLICY.format(first.url, second.url, first.url, "first, second").replace(f'first: {{ api: vllm,', f'first: {{ api: vllm, health: {{ path: /health, every: 200ms, fail_after: 2 }},')
    with Router(policy) as router:
        assert router.chat(model="own").status == 200 and len(first.posts()) == 1
        well["first"] = False
        eventually(lambda: router.admin("GET", "/api/backends").json["data"][0]["state"] != "up", 5, what="a backend that is down")
        before = len(first.posts())
        for _ in range(10):
            assert router.chat(model="own").status == 200
        assert len(first.posts()) == before, "the sick one was asked"
        second.answer = failure(503)
        assert router.chat(model="own").status == 200, "nobody else is left"
        second.answer, well["first"] = chat(tokens=2), True
        eventually(lambda: router.chat(model="own").headers["sluice-route"].split("backend=")[1].startswith("first"), 5, what="its return")
        checks = [call for call in first.calls if call.method == "GET"]
        assert all(call.path == "/health" for call in checks), {call.path for call in checks}
        return f"{len(checks)} checks"


@case("P8-broken-stream", "a stream that broke off is not kept for its idempotency key: the same request runs again, and its whole answer is kept", 60)
def broken_stream():
    place = len(STREAMS["/v1/chat/completions"]) // 2
    upstream = Upstream(lambda call: iter([STREAMS[call.path][:place], CUT]))
    body = json.dumps({"model": "own", "stream": True, "messages": [{"role": "user", "content": "x"}]})

    def again(router):
        with Conversation(router.port) as talk:
            return talk.send(request("/v1/chat/completions", body, ["idempotency-key: k1"])).listen(until=1).replies[0]
    with router_of(upstream) as router:
        broken = again(router)
        assert broken.status == 200 and not looks_whole(broken), broken.body
        upstream.answer = lambda call: iter([STREAMS[call.path]])
        whole_answer = again(router)
        assert looks_whole(whole_answer), whole_answer.body
        assert again(router).body == whole_answer.body and len(upstream.posts()) == 2, len(upstream.posts())


def stalled_upload(server, scheme, **options):
    """A request of 20 MB to a backend that takes the connection and reads nothing of it."""
    second, kept = Upstream(chat(tokens=2)), []
    crowd = concurrent.futures.ThreadPoolExecutor()
    crowd.submit(lambda: kept.append(server.accept()))
    urls = f"{scheme}://127.0.0.1:{server.getsockname()[1]}/v1", second.url, second.url
    with server, Router(POLICY.format(*urls, "first, second").replace("first: { api", "first: { internal: true, api"), **options) as router:
        start = time.monotonic()
        answer = router.chat("x" * 20_000_000, model="own", timeout=60)
        took = time.monotonic() - start
        assert answer.status == 502 and 8 < took < 30, f"{answer} after {took:.1f} s"
        assert not second.posts(), "a call that may have been carried out was made again"
    kept[0][0].close()
    return f"{took:.1f} s"


@case("P19-upload-stalls", "a backend that stops reading a large request is given up after some ten seconds, and nobody else is asked", 60, waits=True)
def upload_stalls():
    return stalled_upload(socket.create_server(("127.0.0.1", 0)), "http")


@case("P19-upload-stalls-secure", "as P19-upload-stalls, over TLS", 90, waits=True)
def upload_stalls_secure():
    with certificate() as (certificate_file, key_file):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate_file, key_file)
        server = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)
        return stalled_upload(server, "https", environment={"SSL_CERT_FILE": certificate_file})


@case("failures-route", "a call that failed everywhere says where it was tried last, on a refusal of ours and on one of the backend's")
def route_of_failures():
    with router_of(Upstream(failure(500)), pool="first") as router:
        for path in ("/v1/chat/completions", "/v1/messages"):
            with Conversation(router.port) as talk:
                reply = talk.send(ask(path, stream=False)).listen(until=1).replies[0]
            assert reply.status >= 500 and "backend=first;attempt=1" in reply.headers.get("sluice-route", ""), f"{path}: {reply} {reply.headers}"


@case("failures-runaway", "fault 33: a stream far beyond max_tokens is stopped with an error event, its backend's connection is closed, and the row says so")
def runaway():
    backend = Upstream(chat(tokens=400, gap=0.002, word="tok "))
    with router_of(backend) as router:
        for number, (limit, is_stopped) in enumerate(((9, True), (500, False)), 1):
            body = json.dumps({"model": "own", "stream": True, "max_tokens": limit, "messages": [{"role": "user", "content": "x"}]})
            with Conversation(router.port, 60) as talk:
                talk.send(request("/v1/chat/completions", body)).listen(patience=60, until=1)
            seen = events(talk.replies[0].body)
            assert (b"upstream_failed" in talk.replies[0].body) == is_stopped and (seen[-1] == "[DONE]") != is_stopped, f"{limit}: {len(seen)} events, {seen[-1]}"
            assert not is_stopped or len(seen) < 100, len(seen)
            row = router.closed(number)[-1]
            assert ("over_max_tokens" in row["flags"]) == is_stopped, row
            assert row["outcome"] == ("upstream_error" if is_stopped else "ok"), row
