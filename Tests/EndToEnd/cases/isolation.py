"""No byte of one request ever stands in the answer of another."""
import concurrent.futures
import json
import random
import re

from kit.cases import case, scaled
from kit.raw import Conversation, request
from kit.router import Router
from kit.upstream import CUT, Upstream, chat, chunk, whole

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
