"""Clients that are slow, silent, many or never read; a process that is told to stop, or to read its policy anew, in the middle of it."""
import concurrent.futures
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import threading
import time

from kit.cases import case, eventually, scaled
from kit.corpus import resident_megabytes
from kit.raw import Conversation, request
from kit.router import Router
from kit.upstream import Upstream, chat, chunk
from kit.wire import stream

POLICY = """
backends:
  quick: { api: simulated, latency: { first_token: 5ms, per_token: 1ms }, tokens: { output: 3 }, price: { input: 2.50, output: 10.00 } }
models: { chat: { quick: sim-large } }
classes: { realtime: { serve: now, use: [quick] } }
routes: [ { class: realtime } ]
baseline: { backend: quick, model: requested, serve: now }
"""
BODY = '{"model":"chat","messages":[{"role":"user","content":"hi"}]}'
GOOD = request("/v1/chat/completions", BODY)
UPLOAD = b"POST /v1/files HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 100000\r\n\r\n"


def closed_after(port, data, *, trickle=None, patience=20):
    """Sends, goes on with single bytes where `trickle` says how often, and gives the last status and when the connection was closed."""
    began = time.monotonic()
    with Conversation(port) as talk:
        talk.send(data)
        while not talk.closed and time.monotonic() - began < patience:
            talk.listen(patience=trickle or 0.5, quiet=trickle or 0.5)
            if trickle and not talk.closed and not talk.replies:
                talk.send(b"x")
        return (talk.statuses or [None])[-1], time.monotonic() - began, talk.closed


def served_after(port, pause, first, rest, before=GOOD):
    """A request on a kept connection, a pause, then the next one in two pieces; its status."""
    with Conversation(port) as talk:
        talk.send(before).listen(until=1)
        time.sleep(pause)
        talk.send(first)
        time.sleep(0.7)
        talk.send(rest).listen(until=2)
        return talk.statuses


@case("P30-slow-clients", "clients that send heads or bodies drop by drop are cut with 408 in time; one that only paused between requests is not", 90)
def slow_clients():
    half = len(GOOD) - len(BODY)
    with Router(POLICY) as router, concurrent.futures.ThreadPoolExecutor() as crowd:
        port = router.port
        cut = {
            "half a head": crowd.submit(closed_after, port, GOOD[:30]),
            "a head byte by byte": crowd.submit(closed_after, port, GOOD[:-half + 10][:60] + b"x-a: ", trickle=0.2),
            "a body that does not come": crowd.submit(closed_after, port, GOOD[:half]),
            "a body byte by byte": crowd.submit(closed_after, port, GOOD[:half].replace(str(len(BODY)).encode(), b"100000", 1), trickle=0.2),
            "chunks that do not come": crowd.submit(closed_after, port, GOOD[:half].replace(f"content-length: {len(BODY)}".encode(), b"transfer-encoding: chunked") + b"5\r\nab"),
            "an upload that does not come": crowd.submit(closed_after, port, UPLOAD),
            "an upload byte by byte": crowd.submit(closed_after, port, UPLOAD + b"--b\r\n", trickle=0.2),
            "half a head behind an answer": crowd.submit(closed_after, port, GOOD + GOOD[:30]),
        }
        # Deadlines count from the request, not from the connection or the answer before it.
        kept = {
            "a head in two pieces": crowd.submit(served_after, port, 11, GOOD[:30], GOOD[30:]),
            "a head, then its body": crowd.submit(served_after, port, 11, GOOD[:half], GOOD[half:]),
            "behind a request that was refused": crowd.submit(served_after, port, 11, GOOD[:30], GOOD[30:], request("/v1/chat/completions", BODY, ["content-encoding: gzip"])),
            "behind a cold one": crowd.submit(served_after, port, 11, GOOD[:30], GOOD[30:], b"GET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n"),
        }
        faults = []
        for what, future in cut.items():
            status, seconds, closed = future.result()
            if not closed or status != 408 or not 8.5 < seconds < 15:
                faults.append(f"{what}: {status} and {'closed' if closed else 'open'} after {seconds:.1f} s")
        for what, future in kept.items():
            statuses = future.result()
            if statuses[1:] != [200]:
                faults.append(f"{what} after a pause of 11 s: {statuses}")
        assert not faults, "\n".join(faults)
        assert router.chat().status == 200


def first_answers(router, seconds, rate=50):
    """Milliseconds of each of so many requests a second; one at a time."""
    times, start = [], time.monotonic()
    for number in range(int(seconds * rate)):
        time.sleep(max(0, start + number / rate - time.monotonic()))
        began = time.monotonic()
        assert router.chat().status == 200
        times.append((time.monotonic() - began) * 1000)
    return sorted(times)


def trickle(port, count, cut):
    """So many heads that come byte by byte; whoever is cut comes again, and is counted."""
    crowd = [Conversation(port) for _ in range(count)]
    while True:
        began = time.monotonic()
        for place, talk in enumerate(crowd):
            talk.send(GOOD[:1]).listen(patience=0.0001)
            if talk.closed or talk.replies:
                cut.value += 1
                talk.socket.close()
                crowd[place] = Conversation(port)
        time.sleep(max(0, began + 0.5 - time.monotonic()))


@case("P30-slowloris", "a crowd that sends heads byte by byte moves the answers of others by nothing that counts", 120)
def slowloris():
    count, seconds = scaled(200, 1000), scaled(4, 30)
    with Router(POLICY) as router:
        first_answers(router, 2)
        alone = first_answers(router, seconds)
        # A process of its own: in a thread it would hold up the one that measures.
        context = multiprocessing.get_context("fork")
        cut = context.Value("i", 0)
        crowd = context.Process(target=trickle, args=(router.port, count, cut), daemon=True)
        crowd.start()
        beside = first_answers(router, seconds)
        crowd.terminate()
        crowd.join()
        p99 = [times[int(len(times) * 0.99)] for times in (alone, beside)]
        figures = f"{count} connections, {cut.value} cut; p99 {p99[0]:.1f} ms alone, {p99[1]:.1f} ms beside them"
        assert p99[1] <= p99[0] + scaled(50, 5), figures
        return figures


@case("P30-idle-clients", "connections on which nothing happens are closed after 15 s, whatever was answered before", 60)
def idle_clients():
    limit = 22
    with Router(POLICY) as router, concurrent.futures.ThreadPoolExecutor() as crowd:
        first = {"nothing": b"", "an answer": GOOD, "a refusal": request("/v1/chat/completions", BODY, ["content-encoding: gzip"]), "a cold answer": b"GET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n"}
        waits = {what: crowd.submit(closed_after, router.port, data, patience=limit) for what, data in first.items()}
        faults = [f"after {what}: {'closed' if closed else 'open'} after {seconds:.0f} s" for what, future in waits.items() for _, seconds, closed in [future.result()] if not closed]
        assert not faults, "\n".join(faults)


@case("P29-never-reading", "clients that never read what an endless backend sends: the router's memory stays where it is", 120)
def never_reading():
    def flood(call):
        yield b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        piece = chunk(json.dumps({"choices": [{"index": 0, "delta": {"content": "x" * 8000}}]})) * 8
        while True:
            yield piece
    upstream, count = Upstream(flood), scaled(40, 500)
    policy = POLICY.replace('api: simulated, latency: { first_token: 5ms, per_token: 1ms }, tokens: { output: 3 }', f'url: "{upstream.url}"')
    with Router(policy) as router:
        body = json.dumps({"model": "chat", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
        talks = []
        for _ in range(count):
            talk = Conversation(router.port)
            talk.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            talks.append(talk.send(request("/v1/chat/completions", body)))
        eventually(lambda: len(upstream.posts()) == count, 30, what="all calls")
        time.sleep(2)
        early = resident_megabytes(router.process)
        time.sleep(scaled(4, 60))
        late = resident_megabytes(router.process)
        for talk in talks:
            talk.socket.close()
        assert late < 150 and late - early < 10, f"{early:.0f} MB, then {late:.0f} MB"
        return f"{count} clients: {early:.0f} MB, then {late:.0f} MB"


def few_descriptors(router, count):
    """Starts it with room for so many."""
    command = router.command
    router.command = lambda: ["/bin/sh", "-c", f'ulimit -Hn {count}; ulimit -n {count}; exec "$@"', "sh", *command()]
    return router.start()


@case("P31-descriptors", "more clients than file descriptors: no spin, no end, and all is well once they are gone", 60)
def descriptors():
    with Router(POLICY, start=False) as router:
        few_descriptors(router, 200)
        crowd = []
        for _ in range(400):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", router.port))
            crowd.append(one)
        time.sleep(0.5)
        before = processor_seconds(router.process)
        time.sleep(2)
        spent = (processor_seconds(router.process) - before) / 2
        for one in crowd:
            one.close()
        assert router.process.poll() is None, router.said()
        assert eventually(lambda: answered(router), scaled(5, 1), 0.1, "an answer afterwards")
        assert spent < scaled(0.5, 0.05), f"{spent:.0%} of a processor while it can accept nobody"
        return f"{spent:.0%} of a processor"


@case("P31-one-too-many", "a client for whom there is no connection left is told so with 503 and Retry-After, hot and cold; who is connected goes on, and who comes later is served", 60)
def one_too_many():
    with Router(POLICY, start=False) as router:
        few_descriptors(router, 200)
        crowd = [Conversation(router.port).send(GOOD) for _ in range(100)]
        assert [talk.listen(until=1).statuses for talk in crowd] == [[200]] * 100, "room for half of the descriptors"
        for path in ("/v1/chat/completions", "/v1/models"):
            for _ in range(scaled(30, 300)):
                answer = router.request("POST" if "chat" in path else "GET", path, BODY if "chat" in path else None, timeout=10)
                assert answer.status == 503 and answer.error["code"] == "overloaded" and answer.headers["retry-after"] == "1", f"{answer} {answer.headers}"
        assert crowd[0].send(GOOD).listen(until=2).statuses == [200, 200], crowd[0].replies
        for talk in crowd:
            talk.socket.close()
        assert eventually(lambda: answered(router), scaled(5, 1), 0.1, "an answer afterwards")


@case("P22-our-own-trouble", "descriptors that run out for backends are our trouble: no backend is taken for broken", 60)
def our_own_trouble():
    def slow(call):
        yield 3
        yield from chat(tokens=2)(call)
    upstream, count = Upstream(slow), 70
    policy = POLICY.replace('api: simulated, latency: { first_token: 5ms, per_token: 1ms }, tokens: { output: 3 }', f'url: "{upstream.url}"')
    with Router(policy, start=False) as router:
        few_descriptors(router, 150)
        with concurrent.futures.ThreadPoolExecutor(count) as crowd:
            statuses = sorted(crowd.map(lambda _: router.chat(timeout=60).status, range(count)))
        backend = router.admin("GET", "/api/backends").json["data"][0]
        assert len(set(statuses)) == 2 and statuses[0] == 200 and statuses[-1] in (502, 503), f"descriptors did not run out: {set(statuses)}"
        assert (backend["breaker"], backend["state"]) == ("closed", "up"), backend
        assert router.chat().status == 200
        return f"{statuses.count(200)} of {count} had a connection; the backend is {backend['state']}"


def answered(router):
    try:
        return router.chat(timeout=2).status == 200
    except OSError:
        return False


def processor_seconds(process):
    fields = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@case("P32-drain", "SIGTERM under load: every stream that ends within the grace is whole, and the process ends with the last one", 120)
def drain():
    count, longest = scaled(30, 100), scaled(3, 20)
    policy = POLICY.replace("per_token: 1ms", "per_token: 100ms").replace("output: 3", f"output: {longest * 10}")
    with Router(policy, arguments=["--drain", "30s"]) as router, concurrent.futures.ThreadPoolExecutor(count) as crowd:
        def one(number):
            body = {"model": "chat", "stream": True, "max_tokens": 10 + number * (longest * 10 - 10) // count, "messages": [{"role": "user", "content": "hi"}]}
            return stream(router, "/v1/chat/completions", body, timeout=60)[1]
        running = [crowd.submit(one, number) for number in range(count)]
        # The shortest may be over before the last has begun.
        eventually(lambda: router.admin("GET", "/api/backends").json["data"][0]["in_flight"] + sum(future.done() for future in running) >= count, 20, what="all streams in flight")
        router.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        whole = sum(future.result()[-1] == "[DONE]" for future in running)
        assert router.process.wait(40) == 0, router.process.returncode
        took = time.monotonic() - began
        assert whole == count, f"{count - whole} of {count} streams were cut"
        assert took < longest + 10, f"{took:.1f} s"
        return f"{count} streams, {took:.1f} s"


@case("P32-endless", "a grace that is over: streams without an end get an error event, the process ends at once, leases are given back", 120)
def endless_at_the_end():
    grace = scaled(2, 30)
    policy = POLICY.replace("per_token: 1ms", "per_token: 100ms").replace("output: 3", "output: 100000").replace("routes: [", "routes: [ { match: { async: true }, class: batch },")
    policy = policy.replace("realtime: {", "batch: { serve: later, use: [quick], deadline: 24h }, realtime: {")
    with Router(policy, arguments=["--drain", f"{grace}s"]) as router, concurrent.futures.ThreadPoolExecutor(10) as crowd:
        body = {"model": "chat", "stream": True, "max_tokens": 50_000, "messages": [{"role": "user", "content": "hi"}]}
        running = [crowd.submit(stream, router, "/v1/chat/completions", body, timeout=90) for _ in range(10)]
        for _ in range(5):
            assert router.chat(max_tokens=50_000, headers={"prefer": "respond-async"}).status == 202
        eventually(lambda: router.admin("GET", "/api/backends").json["data"][0]["in_flight"] == 15, 20, what="all calls in flight")
        router.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert router.process.wait(grace + 20) == 0, router.process.returncode
        took = time.monotonic() - began
        for future in running:
            events = future.result()[1]
            assert "error" in events[-1] and "[DONE]" not in events, events[-2:]
        assert took < grace + scaled(2, 1), f"{took:.1f} s"
        rows = json.loads(router.run("queue", "ls", "--output", "json", "--data", str(router.data)).stdout)["data"]
        assert len(rows) == 5 and {row["status"] for row in rows} == {"ready"}, rows
        return f"ended after {took:.1f} s of a grace of {grace}"


def variant(letter, price):
    return f"""
backends:
  back-{letter}: {{ api: simulated, latency: {{ first_token: 2ms, per_token: 1ms }}, tokens: {{ output: 3 }}, price: {{ input: {price}, output: {price} }} }}
models: {{ chat: {{ back-{letter}: sim-large }} }}
classes: {{ class-{letter}: {{ serve: now, use: [back-{letter}] }} }}
routes: [ {{ name: route-{letter}, class: class-{letter} }} ]
baseline: {{ backend: back-{letter}, model: requested, serve: now }}
"""


@case("P33-reloads", "reloads under load, some of files that are wrong: nothing is dropped, no request sees two versions, the ledger names the one it saw", 180)
def reloads():
    count = scaled(40, 1000)
    with Router(variant("a", 1)) as router:
        over, faults, done = threading.Event(), [], []

        def load(number):
            while not over.is_set():
                answer = router.chat()
                route = answer.headers.get("sluice-route", "")
                letters = {part.split("-")[1][0] for part in route.replace(";", " ").replace('"', "").split() if "-" in part and part.split("-")[0].split("=")[-1] in ("class", "route", "back")}
                if answer.status != 200 or len(letters) != 1:
                    faults.append(f"{answer.status} {route}")
                done.append(answer.headers.get("x-request-id"))
        with concurrent.futures.ThreadPoolExecutor(8) as crowd:
            loads = [crowd.submit(load, number) for number in range(8)]
            for number in range(count):
                if number % 5 == 4:
                    router.write("backends: [this is no policy\n")
                else:
                    router.write(variant("ab"[number % 2], 1 + number % 7))
                router.process.send_signal(signal.SIGHUP)
                time.sleep(0.05)
            over.set()
            for future in loads:
                future.result()
        assert not faults, f"{len(faults)} of {len(done)}:\n" + "\n".join(faults[:10])
        entries = router.closed(len(done), 20)
        for entry in entries:
            letters = {entry["class"][-1], entry["route"][-1], entry["backend"][-1]}
            assert len(letters) == 1 and entry["policy"], entry
        versions = {entry["policy"] for entry in entries}
        assert len(versions) > 3, versions
        return f"{len(done)} requests over {len(versions)} versions"
