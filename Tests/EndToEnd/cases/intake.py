"""How fast a file becomes jobs, and how much memory that and their end takes."""
import json
import time

from kit.cases import case, eventually, scaled
from kit.corpus import resident_megabytes
from kit.router import Router

from .batch_corpus import batch_of, ended, upload

POLICY = """
windows: { far: { days: [mon], hours: 00:00-00:01 } }
backends:
  quick: { api: simulated, latency: { first_token: 1ms, per_token: 0ms }, tokens: { output: 5 }, price: { input: 0.20, output: 0.60 } }
models: { chat: { quick: sim-large } }
classes:
  realtime: { serve: now, use: [quick] }
  batch: { serve: later, during: far, use: [quick], deadline: 24h }
routes:
  - { match: { async: true }, class: batch }
  - { class: realtime }
baseline: { backend: quick, model: requested, serve: now }
"""


def lines(count, content):
    return b"".join(
        json.dumps({"custom_id": f"line {n}", "method": "POST", "url": "/v1/chat/completions",
                    "body": {"model": "chat", "messages": [{"role": "user", "content": f"{n} {content}"}]}}).encode() + b"\n" for n in range(count))


def peak(router):
    """The most memory that the process has had, in MB."""
    with open(f"/proc/{router.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def seconds_to(router, batch, there):
    begun = time.monotonic()
    eventually(lambda: there(router.request("GET", f"/v1/batches/{batch}").json), 300, 0.02, f"the intake of {batch}")
    return time.monotonic() - begun


@case("intake-speed", "the lines of a large file are checked and stored in time, and a file ten times as large takes no more memory", 600)
def intake_speed():
    # The figure is that of a release build (`make store-speed`); a debug build is only asked to come to an end.
    is_whole, count = scaled(False, True), scaled(5000, 50_000)
    with Router(POLICY) as router:
        small = upload(router, lines(count // 10, "x" * 1500)).json["id"]
        seconds_to(router, batch_of(router, small).json["id"], lambda batch: batch["status"] == "in_progress")
        before = peak(router)
        file = upload(router, lines(count, "x" * 1500)).json["id"]
        checked = seconds_to(router, batch_of(router, file).json["id"], lambda batch: batch["status"] == "in_progress")
        begun = time.monotonic()

        def stored():
            jobs = json.loads(router.run("queue", "batches", "--data", str(router.data), "--output", "json").stdout)["data"][0]
            return jobs["total"] == count and len(json.loads(router.run(
                "queue", "ls", "--limit", "100000", "--data", str(router.data), "--output", "json").stdout)["data"]) == count + count // 10
        eventually(stored, 300, 2, "that every line is a job")
        took = time.monotonic() - begun
        grown = peak(router) - before
    figures = f"{count} lines checked in {checked:.2f} s, stored after {took:.1f} s more; memory {before:.0f} MB, {grown:+.0f} MB with ten times the file"
    if is_whole:
        assert checked < 5, figures
    assert grown < 48, figures
    return figures


@case("deferred-memory", "what a job needed while it ran is given back at its end", 120)
def memory_of_ended_jobs():
    count, sizes = 500, []
    # Answers of some 10 kB: who keeps them is seen at once.
    policy = POLICY.replace("during: far, ", "").replace("tokens: { output: 5 }", "tokens: { output: 2000 }")
    with Router(policy) as router:
        file = upload(router, lines(count, "x" * 4000)).json["id"]
        for _ in range(6):
            found = ended(router, batch_of(router, file).json["id"])
            assert found["request_counts"]["completed"] == count, found
            sizes.append(resident_megabytes(router.process))
    figures = " ".join(f"{size:.0f}" for size in sizes) + f" MB after {count} jobs each"
    assert sizes[5] - sizes[2] < 10, figures
    return figures
