"""More than there is room for: second attempts beside slow ones, the less urgent refused first, limits of tenants."""
import asyncio
import collections
import concurrent.futures
import json
import random
import time

from kit.cases import case, eventually, scaled
from kit.router import Router
from kit.upstream import Upstream, chat, whole

HEDGED = """
backends:
  first: {{ api: vllm, url: "{}", price: {{ input: 1, output: 2 }} }}
  second: {{ api: vllm, url: "{}", price: {{ input: 1, output: 2 }} }}
models: {{ own: {{ first: own, second: own }} }}
pools: {{ all: {{ backends: [first, second] }} }}
classes: {{ realtime: {{ serve: now, use: [all], hedge: {{ after: p90, budget: {} }} }} }}
routes: [ {{ class: realtime }} ]
baseline: {{ backend: first, model: requested, serve: now }}
"""


@case("hedge", "a second attempt beside a slow one: the client gets the quicker answer, the loser is dropped and booked as waste, within the budget", 120)
def hedge():
    count, share = scaled(200, 1000), 0.1
    said = []
    for budget in ("10%", "none"):
        chance, slow = random.Random(1), []

        def answer(call):
            # Every fifteenth call or so takes a second to its first token.
            if len(first.calls) > 40 and chance.random() < 0.07:
                slow.append(call)
                return chat(tokens=3, first=1.0)(call)
            return chat(tokens=3, first=0.02)(call)
        first, second = Upstream(answer), Upstream(chat(tokens=3, first=0.02))
        policy = HEDGED.format(first.url, second.url, "10%") if budget != "none" else HEDGED.format(first.url, second.url, "10%").replace(", hedge: { after: p90, budget: 10% }", "")
        with Router(policy) as router:
            def one(_):
                began = time.monotonic()
                reply = router.chat(model="own", stream=True, max_tokens=9)
                assert reply.status == 200 and b"[DONE]" in reply.body, reply
                return time.monotonic() - began
            with concurrent.futures.ThreadPoolExecutor(4) as crowd:
                times = sorted(crowd.map(one, range(count)))
            late = sum(t > 0.9 for t in times)
            if budget == "none":
                assert not second.posts() and late == len(slow), (late, len(slow))
                said.append(f"without: {late} of {count} took a second")
                continue
            extra = len(second.posts())
            assert 0 < extra <= share * count + 1, f"{extra} second attempts for {count} requests"
            assert late <= max(3, len(slow) // 3), f"{late} of {len(slow)} slow ones were waited for; {extra} second attempts"
            entries = router.closed(count + extra)
            by_request = collections.defaultdict(list)
            for entry in entries:
                by_request[entry["request_id"]].append(entry)
            pairs = [pair for pair in by_request.values() if len(pair) > 1]
            assert len(pairs) == extra, (len(pairs), extra)
            for pair in pairs:
                loser, winner = sorted(pair, key=lambda entry: entry["outcome"] == "ok")
                assert (winner["kind"], winner["outcome"]) == ("settled", "ok") and (loser["kind"], loser["outcome"]) == ("waste", "superseded"), pair
                assert loser["cost"] is None and float(loser["cost_high"]) > 0 and loser["baseline"] is None, loser
            dropped = [call for call in slow if call.end == "left"]
            said.append(f"{extra} second attempts for {count} requests, {len(dropped)} of {len(slow)} slow calls dropped, {late} took a second")
    return "; ".join(said)


SHARED = """
backends:
  shared:
    api: simulated
    latency: {{ first_token: 40ms, per_token: 2ms }}
    tokens: {{ output: 10 }}
    limits: {{ concurrent: {slots} }}
    price: {{ input: 0.20, output: 0.60 }}
models: {{ chat: {{ shared: sim-large }} }}
classes:
  urgent: {{ serve: now, use: [shared], latency: {{ first_token: 1500ms }} }}
  patient: {{ serve: now, use: [shared], latency: {{ first_token: 3s }} }}
routes:
  - {{ match: {{ metadata: {{ kind: urgent }} }}, class: urgent }}
  - {{ class: patient }}
baseline: {{ backend: shared, model: requested, serve: now }}
"""


async def one(port, kind):
    """(status, seconds, Retry-After) of one request, on a connection of its own."""
    body = json.dumps({"model": "chat", "stream": True, "metadata": {"kind": kind}, "messages": [{"role": "user", "content": "hi"}]}).encode()
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    seen, first = b"", None
    while piece := await reader.read(65536):
        seen += piece
        if first is None and b'"content":"' in seen:
            first = time.perf_counter() - began
    writer.close()
    head = seen.split(b"\r\n\r\n")[0].lower()
    status = int(seen[9:12])
    if status == 200:
        assert b"data: [DONE]" in seen, seen[-200:]
    return kind, status, first or time.perf_counter() - began, b"\r\nretry-after: " in head, began


async def offered(port, rate, seconds, kinds=("urgent", "patient", "patient", "patient")):
    """Requests at an even rate, of the kinds in turn, whatever becomes of the ones before."""
    tasks, start = [], time.perf_counter()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0, start + number / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(one(port, kinds[number % len(kinds)])))
    return await asyncio.gather(*tasks), time.perf_counter() - start


@case("P27-overload", "four times what the backend bears: nothing urgent is refused, the rest is with 429 and Retry-After, goodput holds, and all is normal within 5 s", 300)
def overload():
    slots, seconds = scaled(4, 16), scaled(6, 60)
    bears = slots / 0.062
    with Router(SHARED.format(slots=slots)) as router:
        lines, goodput, urgent99 = [], {}, {}
        asyncio.run(offered(router.port, bears / 4, 2))
        for load in (0.5, 1, 2, 4):
            answers, took = asyncio.run(offered(router.port, bears * load, seconds))
            good = [a for a in answers if a[1] == 200]
            goodput[load] = len(good) / took
            for kind in ("urgent", "patient"):
                own = [a for a in answers if a[0] == kind]
                refused = [a for a in own if a[1] != 200]
                assert all(a[1] == 429 and a[3] for a in refused), {(a[1], a[3]) for a in refused}
                times = sorted(a[2] for a in own if a[1] == 200)
                p99 = times[int(len(times) * 0.99)] * 1000
                if kind == "urgent":
                    urgent99[load] = p99
                    if load <= 2 or bears * load / 4 <= bears * 0.95:
                        assert not refused, f"{len(refused)} of {len(own)} urgent requests were refused at {load} x"
                lines.append(f"{load} x {kind}: {len(own) - len(refused)} of {len(own)}, first token p99 {p99:.0f} ms")
        after = None
        began = time.perf_counter()
        while time.perf_counter() - began < 5:
            answers, _ = asyncio.run(offered(router.port, bears / 4, 0.5))
            if all(a[1] == 200 and a[2] < 0.2 for a in answers):
                after = time.perf_counter() - began
                break
        print("    " + "\n    ".join(lines))
        assert after is not None, "not normal within 5 s"
        peak = max(goodput.values())
        assert goodput[4] >= 0.9 * peak, goodput
        served = sum(entry["outcome"] == "ok" for entry in router.closed())
        assert served == len(router.closed()), "a request that was refused has an attempt"
        curve = ", ".join(f"{load} x: {value:.0f}/s" for load, value in goodput.items())
        return f"goodput {curve}; urgent p99 {urgent99[0.5]:.0f} ms, at 4 x {urgent99[4]:.0f} ms; normal after {after:.1f} s"


def flood_of(kind, port, rate, seconds):
    """In a process of its own, so that whoever measures others is not kept from its clock."""
    return asyncio.run(offered(port, rate, seconds, (kind,)))


@case("P28-flood", "a flood of four times what the backend bears, half of which the urgent alone need: they wait hardly longer than without it", 200)
def flood():
    slots, seconds = scaled(4, 16), scaled(5, 60)
    bears = slots / 0.062
    with Router(SHARED.format(slots=slots)) as router, concurrent.futures.ProcessPoolExecutor(1) as others:
        def urgent():
            answers, _ = flood_of("urgent", router.port, bears / 2, seconds)
            assert all(a[1] == 200 for a in answers), f"{sum(a[1] != 200 for a in answers)} of {len(answers)} urgent requests were refused"
            times = sorted(a[2] for a in answers)
            return times[int(len(times) * 0.99)] * 1000
        flood_of("urgent", router.port, bears / 2, 1)
        alone = urgent()
        flooding = others.submit(flood_of, "patient", router.port, bears * 3.5, seconds + 4)
        # The flood is there first.
        time.sleep(2)
        among = urgent()
        patient, _ = flooding.result()
        assert among <= alone + scaled(60, 10), f"p99 {alone:.0f} ms alone, {among:.0f} in the flood"
        served = sum(a[1] == 200 for a in patient)
        assert 0 < served < len(patient), f"{served} of {len(patient)} patient requests were served"
        return f"urgent p99 {alone:.0f} ms alone, {among:.0f} in the flood; {served} of {len(patient)} patient ones served"


@case("tenant-limits", "a tenant at its limits is refused with 429 rate_limited and Retry-After; others are not, and its place is given back", 60)
def tenant_limits():
    policy = """
backends:
  steady: { api: simulated, latency: { first_token: 300ms, per_token: 1ms }, tokens: { output: 3 }, price: { input: 1, output: 1 } }
models: { chat: { steady: sim-large } }
tenants: { default: { limits: { concurrent: 2, requests_per_minute: 12 } } }
classes: { realtime: { serve: now, use: [steady] } }
routes: [ { class: realtime } ]
baseline: { backend: steady, model: requested, serve: now }
"""
    with Router(policy) as router, concurrent.futures.ThreadPoolExecutor(6) as crowd:
        answers = list(crowd.map(lambda _: router.chat(), range(6)))
        refused = [answer for answer in answers if answer.status == 429]
        assert sorted(answer.status for answer in answers) == [200] * 2 + [429] * 4, answers
        assert all(answer.error["code"] == "rate_limited" and answer.headers["retry-after"] == "1" for answer in refused), refused
        assert [router.chat().status for _ in range(10)] == [200] * 10
        last = router.chat()
        assert last.status == 429 and "12 requests per minute" in last.error["message"] and 30 < int(last.headers["retry-after"]) <= 60, last
        return f"Retry-After {last.headers['retry-after']} s"
