"""No byte of one request ever stands in the answer of another, and none of its own is lost or changed."""
import concurrent.futures
import json
import os
import random
import re
import time

from kit.cases import case, scaled
from kit.raw import Conversation, request, unchunked
from kit.router import Router
from kit.upstream import CUT, Upstream, chat, chunk, whole

from .failures import STREAMS

POLICY = """
backends:
  echo: {{ url: "{}", limits: {{ concurrent: 500 }}, price: {{ input: 1, output: 2 }} }}
models: {{ own: {{ echo: own }} }}
classes: {{ realtime: {{ serve: now, use: [echo] }} }}
routes: [ {{ class: realtime }} ]
baseline: {{ backend: echo, model: requested, serve: now }}
"""
WORD = re.compile(rb"w\d{2}t\d{6}r[0-9a-f]{8}")
POISON = whole(200, {"id": "poison", "object": "chat.completion", "choices": [{"index": 0, "message": {"content": "POISON"}, "finish_reason": "stop"}]})


def echo(call):
    """Says the prompt back; some answers have another one behind them, some end early."""
    chance = random.Random(call.text)
    fate = chance.random()
    # In one piece with the answer: what comes after another request has left cannot be told from that one's answer by anybody.
    poison = POISON if fate > 0.95 else b""
    if call.json.get("stream"):
        yield b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        for _ in range(chance.randrange(1, 12)):
            yield chunk(json.dumps({"choices": [{"index": 0, "delta": {"content": call.text + " "}}]}))
            if chance.random() < 0.3:
                yield 0.002
        if fate < 0.05:
            yield CUT
        yield chunk(json.dumps({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})) + chunk("[DONE]") + b"0\r\n\r\n" + poison
    else:
        if chance.random() < 0.3:
            yield 0.003
        answer = whole(200, {"id": "x", "object": "chat.completion", "choices": [{"index": 0, "message": {"content": call.text * 20}, "finish_reason": "stop"}]})
        yield answer + poison


@case("P25-nonces", "requests that each carry a word of their own, a fifth of them cancelled, with backends that send too much: every answer has its own word only", 240)
def nonces():
    upstream = Upstream(echo)
    clients, each = 16, scaled(100, 6250)
    with Router(POLICY.format(upstream.url)) as router:
        def client(number):
            chance, faults, done = random.Random(number), [], 0
            talk = None
            for turn in range(each):
                word = f"w{number:02d}t{turn:06d}r{chance.randrange(1 << 30):08x}"
                body = json.dumps({"model": "own", "stream": chance.random() < 0.5, "messages": [{"role": "user", "content": word}]})
                talk = talk or Conversation(router.port, 60)
                before = len(talk.replies)
                talk.send(request("/v1/chat/completions", body))
                if chance.random() < 0.2:
                    if chance.random() < 0.7:
                        talk.read()
                    seen = talk.received
                    talk.reset() if chance.random() < 0.5 else talk.socket.close()
                    talk = None
                else:
                    talk.listen(until=before + 1, patience=60)
                    reply = talk.replies[-1] if len(talk.replies) > before else None
                    if reply is None or reply.status not in (200, 502, 503):
                        faults.append(f"{word}: {reply}, {talk.received[:200]!r}")
                    seen = reply.body if reply else b""
                    done += 1
                    if talk.closed:
                        talk = None
                others = [other for other in words_in(seen) if other != word]
                if others or b"POISON" in seen:
                    faults.append(f"{word}: in its answer stands {others or 'POISON'}")
            return faults, done
        with concurrent.futures.ThreadPoolExecutor(clients) as crowd:
            outcomes = list(crowd.map(client, range(clients)))
        faults = [fault for found, _ in outcomes for fault in found]
        assert not faults, f"{len(faults)}:\n" + "\n".join(faults[:20])
        return f"{clients * each} requests, {sum(done for _, done in outcomes)} answers read"


def words_in(text):
    """The words of requests that stand in a text."""
    return {word.decode() for word in WORD.findall(text)}


SPLIT = """
backends:
  split: {{ api: vllm, url: "{}", price: {{ input: 1, output: 2 }} }}
models: {{ own: {{ split: own }} }}
classes: {{ realtime: {{ serve: now, use: [split] }} }}
routes: [ {{ class: realtime }} ]
baseline: {{ backend: split, model: requested, serve: now }}
"""
BODIES = {path: unchunked(wire.partition(b"\r\n\r\n")[2])[0] for path, wire in STREAMS.items()}
OURS = re.compile(rb',"sluice":\{[^{}]*\}')
ODDITIES = [b": a comment\n\n", b": ping\r\n\r\n", b"\n", b"id: 7\n", b"retry: 3000\n\n"]


@case("P26-byte-exact", "streams cut into chunks and packets at random places come out as they went in, with the same usage, at once", 120)
def byte_exact():
    count, plan, delays = scaled(300, 10_000), {}, []
    chance = random.Random(26)

    def answer(call):
        yield b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        for index, piece in enumerate(plan["pieces"]):
            if index == plan["first"]:
                plan["sent"] = time.monotonic()
            yield piece
            if plan["pauses"]:
                yield 0.0005

    upstream = Upstream(answer)
    with Router(SPLIT.format(upstream.url)) as router, Conversation(router.port) as talk:
        for number in range(count):
            path = chance.choice(list(BODIES))
            body = b"".join(chance.choice(ODDITIES) * (chance.random() < 0.3) + part for part in re.split(rb"(?<=\n\n)(?=.)", BODIES[path]))
            chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in cut(body, chance, chance.choice([1, 3, 20, 200]))] + [b"0\r\n\r\n"]
            plan["pieces"] = cut(b"".join(chunks), chance, chance.choice([7, 60, 600, 5000]))
            # Most go out packet by packet without a pause; some with one, so that each is read alone.
            plan["pauses"] = len(plan["pieces"]) < 40 and number % 3 == 0
            # Events are held until the first with text, so a client's first byte can come no sooner than the packet that completes that one.
            plan["first"] = completing(plan["pieces"], body.index(b"\n\n", body.index(b"word ")) + 2)
            ask = {"model": "own", "stream": True, "stream_options": {"include_usage": True}, "messages": [{"role": "user", "content": "x"}], "input": "x", "max_tokens": 9}
            talk.replies.clear()
            talk.send(request(path, json.dumps(ask)))
            while not talk.replies and not talk.closed and b"\r\n\r\n" not in talk.received:
                talk.read()
            delays.append(time.monotonic() - plan["sent"])
            reply = talk.listen(until=1, patience=20).replies[0]
            # What Sluice adds, once, is its own member in the event with the usage.
            relayed = OURS.sub(b"", reply.body, count=1)
            place = len(os.path.commonprefix([body, relayed]))
            assert reply.status == 200 and relayed == body, f"{path}, {number}, from {place} of {len(body)}: {body[place:][:200]!r} came out as {relayed[place:][:200]!r}"
        entries = router.closed(count, 60)
    usages = {(entry["usage"]["input"], entry["usage"]["output"], entry["outcome"]) for entry in entries}
    assert usages == {(1, 3, "ok")}, usages
    worst = sorted(delays)[int(len(delays) * 0.99)] * 1000
    assert worst < scaled(100, 2), f"p99 {worst:.1f} ms"
    return f"{count} streams; from the packet that completes the first text to the client's first p50 {sorted(delays)[len(delays) // 2] * 1000:.2f}, p99 {worst:.2f} ms"


def completing(pieces, length):
    """The number of the piece of a chunked body with which so many bytes of what it carries are there."""
    wire = b""
    for number, piece in enumerate(pieces):
        wire += piece
        carried, place = 0, 0
        while carried < length and (line := wire.find(b"\r\n", place)) >= 0:
            size = int(wire[place:line], 16)
            carried += min(size, len(wire) - line - 2)
            place = line + 2 + size + 2
        if carried >= length:
            return number


def cut(text, chance, most):
    """A text in pieces of random lengths."""
    pieces, place = [], 0
    while place < len(text):
        end = place + chance.randint(1, most)
        pieces.append(text[place:end])
        place = end
    return pieces
