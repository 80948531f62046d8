"""Evidence under fire: thousands of mixed requests through failures and kills, and the backends' own count against the ledger, attempt by attempt."""
import collections
import decimal
import http.client
import itertools
import json
import os
import random
import threading
import time

from kit.cases import case, eventually
from kit.router import Router
from kit.upstream import CUT, RESET, Upstream, chunk, whole

D = decimal.Decimal
PICO = D("1e-12")
PRICES = {
    "first": {"input": D("2.5"), "cached_input": D("0.25"), "output": D(10)},
    "second": {"input": D("0.37"), "cached_input": D("0.037"), "output": D("1.111")},
    "third": {"input": D(3), "cached_input": D("0.3"), "cache_write_5m": D("3.75"), "cache_write_1h": D(6), "output": D(15)},
}
POLICY = """
backends:
  first: {{ api: openai, url: "{0}", price: {{ input: 2.50, cached: 0.25, cache_write: 3, cache_write_1h: 5, output: 10 }} }}
  second: {{ api: openai, url: "{1}", price: {{ input: 0.37, cached: 0.037, output: 1.111 }} }}
  third: {{ api: anthropic, url: "{2}", price: {{ input: 3, cached: 0.3, cache_write: 3.75, cache_write_1h: 6, output: 15 }} }}
models: {{ chat: {{ first: m, second: m }}, talk: {{ third: c, first: m }} }}
pools: {{ main: {{ backends: [first, second], pick: in-order, failover: [connect, 429, 5xx] }} }}
classes:
  live: {{ serve: now, use: [main] }}
  talk: {{ serve: now, use: [third] }}
  slow: {{ serve: later, use: [main], deadline: 24h }}
routes: [ {{ match: {{ model: talk }}, class: talk }}, {{ match: {{ async: true }}, class: slow }}, {{ class: live }} ]
baseline: {{ backend: first, model: requested, serve: now }}
"""
KINDS = {"whole": 20, "stream": 20, "left": 10, "cut": 6, "500": 5, "429": 5, "503": 4, "reset": 3, "silent": 4, "silent stream": 4, "absurd": 4,
         "talk": 4, "talk stream": 4, "talk left": 3, "later": 4}
#: Clients, and the most that the queue may have under way: whatever of it is begun when a kill comes may have no call.
CLIENTS, QUEUED = 12, 32
ABSURD = [{"prompt_tokens": -5}, {"prompt_tokens": 10 ** 12}, {"total_tokens": 7}, {"completion_tokens": 0}, {"prompt_tokens_details": {"cached_tokens": 10 ** 6}}]


class Wish:
    """What request number `n` is, and what becomes of it; the same whoever asks."""

    def __init__(self, number):
        chance = random.Random(number * 7919)
        self.kind = chance.choices(list(KINDS), KINDS.values())[0]
        self.text = f"n{number} " + " ".join(chance.choice(("alpha", "beta", "gamma", "delta")) for _ in range(30 + number % 90))
        self.prompt = len(self.text) // 4
        plain = self.kind in ("left", "cut", "reset", "silent", "silent stream", "absurd", "talk left")
        self.cached = 0 if plain or number % 3 else self.prompt // 2
        self.is_talk = self.kind.startswith("talk")
        self.written = (number % 11, number % 7) if self.is_talk and not plain else (0, 0)
        self.completion, self.reasoning = 10 + number % 30, 0 if plain or number % 5 else 3
        self.is_stream = self.kind in ("stream", "left", "cut", "silent stream", "talk stream", "talk left") or (self.kind in ("500", "429") and number % 2 == 0)
        self.leaves_after = 1 + number % 9
        self.lie = ABSURD[number % len(ABSURD)]


class Backend(Upstream):
    def __init__(self, name):
        super().__init__(self.reply)
        self.name, self.tries, self.ids = name, collections.Counter(), itertools.count(1)

    def reply(self, call):
        if not call.json:
            return
        number = int(call.text.split()[0][1:])
        wish = Wish(number)
        with self.lock:
            self.tries[number] += 1
        call.billed = {}
        if self.name == "first" and wish.kind in ("500", "429", "503"):
            yield whole(int(wish.kind), {"error": {"message": "not now", "type": "server_error", "param": None, "code": None}})
            return
        if wish.is_talk:
            yield from self.talk(call, wish)
            return
        call.billed = {"input": wish.prompt - wish.cached, "cached_input": wish.cached, "output": 0}
        if wish.kind == "reset":
            yield RESET
        call.id = f"chatcmpl-{self.name}-{next(self.ids)}"
        yield from self.streamed(call, wish) if wish.is_stream else self.answered(call, wish)

    @staticmethod
    def usage(wish):
        usage = {"prompt_tokens": wish.prompt, "completion_tokens": wish.completion, "total_tokens": wish.prompt + wish.completion,
                 "prompt_tokens_details": {"cached_tokens": wish.cached}, "completion_tokens_details": {"reasoning_tokens": wish.reasoning}}
        return {**usage, **(wish.lie if wish.kind == "absurd" else {})}

    def answered(self, call, wish):
        call.billed["output"] = wish.completion
        body = {"id": call.id, "object": "chat.completion", "created": 1, "model": "m",
                "choices": [{"index": 0, "message": {"role": "assistant", "content": "words " * wish.completion}, "finish_reason": "stop"}]}
        yield whole(200, body if wish.kind == "silent" else {**body, "usage": self.usage(wish)})

    def streamed(self, call, wish):
        def event(delta, **more):
            return chunk(json.dumps({"id": call.id, "object": "chat.completion.chunk", "created": 1, "model": "m",
                                     "choices": [{"index": 0, "delta": delta, "finish_reason": None, **more}]}))
        yield b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + event({"role": "assistant"})
        for index in range(wish.completion):
            if wish.kind == "cut" and index == wish.completion // 2:
                yield CUT
            call.billed["output"] += 1
            yield event({"content": "words "})
            if wish.kind == "left" or index % 8 == 0:
                yield 0.003
        yield event({}, finish_reason="stop")
        if wish.kind != "silent stream":
            yield chunk(json.dumps({"id": call.id, "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": self.usage(wish)}))
        yield chunk("[DONE]") + b"0\r\n\r\n"


    def talk(self, call, wish):
        """Anthropic's dialect: tokens that were read from a cache or written to it stand beside the prompt."""
        short, long = wish.written
        call.billed = {"input": wish.prompt - wish.cached - short - long, "cached_input": wish.cached, "cache_write_5m": short, "cache_write_1h": long, "output": 0}
        call.id = f"msg_{self.name}_{next(self.ids)}"
        usage = {"input_tokens": call.billed["input"], "cache_read_input_tokens": wish.cached, "cache_creation_input_tokens": short + long,
                 "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long}}
        message = {"id": call.id, "type": "message", "role": "assistant", "model": "c", "content": [], "stop_reason": None, "stop_sequence": None}
        if not wish.is_stream:
            call.billed["output"] = wish.completion
            yield whole(200, {**message, "content": [{"type": "text", "text": "words " * wish.completion}], "stop_reason": "end_turn",
                              "usage": {**usage, "output_tokens": wish.completion}})
            return

        def event(kind, **more):
            data = f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()
            return b"%x\r\n%s\r\n" % (len(data), data)
        yield b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        yield event("message_start", message={**message, "usage": {**usage, "output_tokens": 0}})
        yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        for _ in range(wish.completion):
            call.billed["output"] += 1
            yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": "words "})
            if wish.kind == "talk left":
                yield 0.003
        yield event("content_block_stop", index=0)
        yield event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": wish.completion})
        yield event("message_stop") + b"0\r\n\r\n"


class Crowd:
    """Clients that take numbers until there is none left, through whatever happens to the router."""

    def __init__(self, router, count, clients=CLIENTS):
        self.router, self.numbers, self.lock, self.answered, self.jobs = router, iter(range(count)), threading.Lock(), {}, {}
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def work(self):
        while True:
            with self.lock:
                number = next(self.numbers, None)
            if number is None:
                return
            while not self.ask(number, Wish(number)):
                time.sleep(0.05)

    def ask(self, number, wish):
        """Whether a connection could be had."""
        body = json.dumps({"model": "talk" if wish.is_talk else "chat", "max_tokens": 64, "stream": wish.is_stream,
                           "messages": [{"role": "user", "content": wish.text}]})
        headers = {"content-type": "application/json", "sluice-tags": f"name=n{number}"}
        if wish.kind == "later":
            headers["prefer"] = "respond-async"
        connection = http.client.HTTPConnection("127.0.0.1", self.router.port, timeout=30)
        try:
            connection.connect()
        except OSError:
            return False
        try:
            connection.request("POST", "/v1/messages" if wish.is_talk else "/v1/chat/completions", body, headers)
            answer = connection.getresponse()
            if wish.kind in ("left", "talk left") and answer.status == 200:
                for _ in range(2 * wish.leaves_after):
                    answer.readline()
            else:
                text = answer.read()
                if answer.status == 200 and (not wish.is_stream or text.rstrip().endswith(b"[DONE]") or b"event: message_stop" in text):
                    self.answered[number] = answer.getheader("x-request-id")
                elif answer.status == 202:
                    self.jobs[number] = (json.loads(text)["id"], answer.getheader("x-request-id"))
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        return True

    @property
    def is_busy(self):
        return any(thread.is_alive() for thread in self.threads)

    def join(self):
        for thread in self.threads:
            thread.join()
        for number, (job, request) in self.jobs.items():
            eventually(lambda: self.router.request("GET", f"/v1/jobs/{job}").status == 200, 120, what=f"the answer of {job}")
            self.answered[number] = request


def truth(call):
    return sum((count * PRICES[call.backend][kind] for kind, count in call.billed.items()), D(0)) / 1_000_000


def bounds(entry):
    return D(entry["cost_low"]), D(entry["cost_high"])


@case("P4-under-fire", "mixed requests through cancels, cuts, errors, absurd usage and kill -9: every call is booked, certain costs are exact, intervals hold the truth", 1800)
def under_fire():
    count, kills = int(os.environ.get("SLUICE_TEST_REQUESTS", "600")), int(os.environ.get("SLUICE_TEST_KILLS", "3"))
    backends = [Backend("first"), Backend("second"), Backend("third")]
    urls = [backend.url for backend in backends[:2]] + [backends[2].url[:-3]]
    with Router(POLICY.format(*urls)) as router:
        crowd = Crowd(router, count)
        for round_number in range(kills):
            while sum(len(backend.calls) for backend in backends) < count * (round_number + 1) // (kills + 1) and crowd.is_busy:
                time.sleep(0.01)
            router.kill()
            router.start()
        crowd.join()
        assert router.stop() == 0
        calls = [call for backend in backends for call in posted(backend)]
        entries = router.ledger()
        ends = [entry for entry in entries if entry["kind"] in ("settled", "waste", "in_doubt")]
        judge_attempts(ends, calls, kills)
        judge_answers(ends, crowd.answered)
        judge_report(router, entries, ends, calls)
    doubt = sum(entry["cost"] is None for entry in ends)
    return f"{count} requests, {len(calls)} calls, {kills} kills; {len(ends) - doubt} attempts exact to the picodollar, {doubt} intervals that hold the truth"


def posted(backend):
    for call in backend.posts():
        # What broke off while it was being sent was never billed.
        call.billed = getattr(call, "billed", {})
        call.backend = backend.name
        yield call


def judge_attempts(ends, calls, kills):
    by_id = {call.id: call for call in calls if call.id}
    named = [entry for entry in ends if entry["upstream_id"]]
    assert len({entry["upstream_id"] for entry in named}) == len(named), "one answer stands in two entries"
    exact = 0
    for entry in named:
        call = by_id.pop(entry["upstream_id"], None)
        assert call and call.backend == entry["backend"], f"no such answer: {entry}"
        low, high = bounds(entry)
        assert low <= truth(call) <= high, f"{truth(call)} is not within {entry}"
        if entry["cost"] is not None:
            assert D(entry["cost"]) == truth(call), f"cost {truth(call)}, booked {entry}"
            exact += 1
    assert exact > len(named) // 2, f"only {exact} of {len(named)} are exact"
    # What no entry names: the same number of calls at the same backend, and together within the bounds.
    booked, made = collections.Counter(), collections.Counter()
    unnamed = [entry for entry in ends if not entry["upstream_id"]]
    rest = [call for call in calls if not call.id or call.id in by_id]
    for entry in unnamed:
        booked[(entry["tags"]["name"], entry["backend"])] += 1
    for call in rest:
        made[(call.text.split()[0] if call.json else "", call.backend)] += 1
    missing = {key: number for key, number in made.items() if key[0] and booked[key] < number}
    assert not missing, f"calls without an entry: {missing}"
    surplus = sum(booked.values()) - sum(made.values())
    assert 0 <= surplus <= (CLIENTS + QUEUED) * kills, f"{surplus} entries more than calls"
    low, high = (sum((bounds(entry)[side] for entry in unnamed), D(0)) for side in (0, 1))
    whole_truth = sum((truth(call) for call in rest), D(0))
    assert low <= whole_truth <= high, f"{whole_truth} is not within {low} to {high}"


def judge_answers(ends, answered):
    """Who had the whole answer is never in doubt."""
    fine = {entry["request_id"] for entry in ends if entry["outcome"] == "ok"}
    lost = [number for number, request in answered.items() if request not in fine]
    assert not lost, f"answered, but not booked as such: {lost[:5]}"


def judge_report(router, entries, ends, calls):
    for entry in ends:
        if entry["unit_prices"]:
            cost = sum((D(entry["usage"].get(kind, 0)) * D(price) for kind, price in entry["unit_prices"].items()), D(0)) / 1_000_000
            assert D(entry["cost"]) == cost.quantize(PICO, decimal.ROUND_HALF_EVEN), entry
    report = json.loads(router.run("report", "--data", str(router.data), "--output", "json", "--by", "backend").stdout)
    total = report["total"]

    def check(what, wanted):
        assert D(total[what]) == wanted, f"{what}: {wanted} by Decimal, {total[what]} in the report"
    certain = [entry for entry in ends if entry["kind"] == "settled" and entry["cost"] is not None]
    check("cost", sum(D(entry["cost"]) for entry in certain))
    check("waste", sum(bounds(entry)[1] for entry in ends if entry not in certain))
    check("baseline", sum(D(entry["baseline"] or 0) for entry in ends))
    check("saved", D(total["baseline"]) - D(total["cost"]) - D(total["waste"]))
    assert sum(D(step["amount"]) for step in report["waterfall"]) == D(total["saved"])
    assert D(total["cost_low"]) <= sum(truth(call) for call in calls) <= D(total["cost_high"])
    assert total["attempts"] == len(ends) and total["unpriced"] == 0
    assert json.loads(router.run("audit", "verify", "--data", str(router.data), "--output", "json", timeout=900).stdout)["entries"] == len(entries)
    again = json.loads(router.run("audit", "recompute", "--data", str(router.data), "--config", str(router.config), "--output", "json", timeout=900).stdout)
    assert again["corrections"] == 0 and again["entries"] == sum(entry["evidence"] == "computed" and entry["usage"] is not None for entry in ends), again
