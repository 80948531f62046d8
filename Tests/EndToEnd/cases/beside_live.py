"""Deferred work beside live traffic on the same backend: live requests must not feel it (P34)."""
import asyncio
import json
import random
import time

from kit.cases import case, eventually, scaled
from kit.router import Router

from .batch_corpus import batch_of, ended, upload

POLICY = """
backends:
  shared:
    api: simulated
    latency: { first_token: 40ms, per_token: 2ms }
    tokens: { output: 20 }
    limits: { concurrent: 64, live_reserve: 20% }
    price: { input: 0.20, output: 0.60 }
models: { chat: { shared: sim-large } }
classes:
  realtime: { serve: now, use: [shared] }
  batch: { serve: later, use: [shared], deadline: 24h }
routes:
  - { match: { async: true }, class: batch }
  - { class: realtime }
baseline: { backend: shared, model: requested, serve: now }
"""
RATE = 50


async def first_token(port):
    """Seconds until the first piece of an answer; reads the whole of it."""
    body = json.dumps({"model": "chat", "stream": True, "messages": [{"role": "user", "content": "hi"}]}).encode()
    begun = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    seen, first = b"", None
    while piece := await reader.read(65536):
        seen += piece
        if first is None and b'"content":"' in seen:
            first = time.perf_counter() - begun
    writer.close()
    assert seen.startswith(b"HTTP/1.1 200") and b"data: [DONE]" in seen, seen[-300:]
    return first


async def traffic(port, count):
    """So many requests at an even rate, whatever becomes of the ones before."""
    tasks = []
    start = time.perf_counter()
    for n in range(count):
        await asyncio.sleep(max(0, start + n / RATE - time.perf_counter()))
        tasks.append(asyncio.create_task(first_token(port)))
    return await asyncio.gather(*tasks)


def quantile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000


def lines(count):
    numbers = list(range(count))
    random.shuffle(numbers)
    for n in numbers:
        yield json.dumps({"custom_id": f"line {n}", "method": "POST", "url": "/v1/chat/completions",
                          "body": {"model": "chat", "max_tokens": 20, "messages": [{"role": "user", "content": f"question {n}"}]}}).encode() + b"\n"


@case("P34-beside-live", "a batch on the backend of live traffic ends with the exact counts, and the first tokens of live requests stay where they were", 600)
def beside_live():
    # The figure of the promise is that of `make promises`; here a small batch on a debug build, on a machine that does other things too.
    count, is_whole = scaled(600, 10_000), scaled(False, True)
    with Router(POLICY) as router:
        asyncio.run(traffic(router.port, RATE))
        alone = asyncio.run(traffic(router.port, 10 * RATE if is_whole else 3 * RATE))
        file = upload(router, b"".join(lines(count))).json["id"]
        begun = time.monotonic()
        batch = batch_of(router, file).json["id"]

        def runs():
            found = router.request("GET", f"/v1/batches/{batch}").json
            return found["request_counts"]["completed"] > 0 or found["status"] == "completed"
        eventually(runs, 60, what="the first line")
        beside = []
        while router.request("GET", f"/v1/batches/{batch}").json["status"] == "in_progress":
            beside += asyncio.run(traffic(router.port, RATE))
        took = time.monotonic() - begun
        found = ended(router, batch)
        assert found["status"] == "completed" and found["request_counts"] == {"total": count, "completed": count, "failed": 0}, found
        text = router.request("GET", f"/v1/files/{found['output_file_id']}/content", timeout=120).body.decode()
        ids = [json.loads(line)["custom_id"] for line in text.splitlines()]
        assert len(ids) == count and set(ids) == {f"line {n}" for n in range(count)}, f"{len(ids)} lines, {len(set(ids))} different"
        assert all(json.loads(line)["response"]["body"]["usage"]["completion_tokens"] == 20 for line in text.splitlines())
        settled = [entry for entry in router.closed(count) if entry.get("batch_id") == batch or entry.get("job_id")]
        assert len(settled) == count, f"{len(settled)} calls in the ledger"
    figures = (f"{count} lines in {took:.1f} s; first token alone p50 {quantile(alone, 0.5):.1f}, p99 {quantile(alone, 0.99):.1f} ms; "
               f"beside p50 {quantile(beside, 0.5):.1f}, p99 {quantile(beside, 0.99):.1f} ms over {len(beside)}")
    if is_whole:
        assert quantile(beside, 0.99) <= quantile(alone, 0.99) + 10, figures
    else:
        assert quantile(beside, 0.5) <= quantile(alone, 0.5) + 10, figures
    return figures
