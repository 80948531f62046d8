"""Mixed load for a long time: memory, file descriptors and the write-ahead log must stay where they are."""
import concurrent.futures
import json
import os
import random
import signal
import statistics
import threading
import time

from kit.cases import case, eventually
from kit.corpus import resident_megabytes
from kit.raw import Conversation, request
from kit.router import Router, run
from kit.upstream import CUT, RESET, Upstream, chat, failure

from .batch_corpus import batch_of, upload

MINUTES = float(os.environ.get("SLUICE_TEST_MINUTES", "0"))
# Clients of a soak wait longer than a machine that it shares may stop it.
PATIENCE = 180
POLICY = """
backends:
  first: {{ api: vllm, url: "{}", price: {{ input: 1, output: 2 }}, limits: {{ concurrent: 64, live_reserve: 20% }} }}
  second: {{ api: vllm, url: "{}", price: {{ input: 2, output: 4 }} }}
  inside: {{ api: simulated, latency: {{ first_token: 20ms, per_token: 2ms }}, tokens: {{ output: 20 }}, limits: {{ concurrent: 64 }}, price: {{ input: {price}, output: 1 }} }}
models:
  own: {{ first: own, second: own, inside: own }}
pools: {{ all: {{ backends: [first, second], retry: 2 }} }}
tenants: {{ default: {{ limits: {{ requests_per_minute: 2M }} }} }}
budgets: {{ everything: {{ limit: 1000000, per: day, at: {{ 100%: reject }} }} }}
classes:
  realtime: {{ serve: now, use: [all], latency: {{ first_token: 2s }}, hedge: {{ after: p95, budget: 5% }} }}
  patient: {{ serve: now, use: [inside], latency: {{ first_token: 10s }} }}
  batch: {{ serve: later, use: [inside, first], deadline: 24h }}
routes:
  - {{ match: {{ async: true }}, class: batch }}
  - {{ match: {{ metadata: {{ kind: patient }} }}, class: patient }}
  - {{ class: realtime }}
baseline: {{ backend: second, model: requested, serve: now }}
"""


def moody(chance):
    """A backend that is mostly well, now and then slow, wrong, or gone in the middle."""
    def answer(call):
        draw = chance.random()
        if draw < 0.90:
            yield from chat(tokens=8, first=0.01 if draw < 0.87 else 0.4, gap=0.002)(call)
        elif draw < 0.94:
            yield from failure(503 if draw < 0.92 else 500)(call)
        elif draw < 0.96:
            yield from failure(429, retry_after="1")(call)
        else:
            steps = list(chat(tokens=8)(call))
            yield from steps[:chance.randrange(len(steps))]
            yield CUT if draw < 0.98 else RESET
    return answer


def lines(count):
    for number in range(count):
        yield json.dumps({"custom_id": f"line {number}", "method": "POST", "url": "/v1/chat/completions",
                          "body": {"model": "own", "max_tokens": 8, "messages": [{"role": "user", "content": f"question {number} " + "x" * 500}]}}).encode() + b"\n"


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def soak():
    chance, over = random.Random(7), threading.Event()
    first, second = Upstream(moody(random.Random(1))), Upstream(moody(random.Random(2)))
    counts, faults = {}, []

    def note(what):
        counts[what] = counts.get(what, 0) + 1

    with Router(POLICY.format(first.url, second.url, price=1)) as router:
        wal = router.data / "sluice.db-wal"
        if not wal.exists():
            wal = next(iter(router.data.glob("*-wal")), wal)

        def live(kind, stream):
            while not over.is_set():
                reply = router.chat("hi " + "x" * chance.randrange(2000), model="own", stream=stream, max_tokens=9, metadata={"kind": kind}, timeout=PATIENCE)
                note(f"{kind} {reply.status}")
                if reply.status not in (200, 429, 502, 503):
                    faults.append(f"{kind}: {reply}")
                time.sleep(0.005)

        def leaver():
            body = json.dumps({"model": "own", "stream": True, "max_tokens": 9, "messages": [{"role": "user", "content": "bye"}]})
            while not over.is_set():
                with Conversation(router.port) as talk:
                    talk.send(request("/v1/chat/completions", body)).listen(patience=chance.random() * 0.05, quiet=0.05)
                note("left")

        def later():
            while not over.is_set():
                answer = router.chat("later", model="own", headers={"prefer": "respond-async"}, timeout=PATIENCE)
                note(f"job {answer.status}")
                time.sleep(0.1)

        def batches():
            while not over.is_set():
                uploaded = upload(router, b"".join(lines(200)))
                batch = batch_of(router, uploaded.json["id"])
                note("batch")
                over.wait(8)

        def operator():
            price = 1
            while not over.is_set():
                price = price % 5 + 1
                router.write(POLICY.format(first.url, second.url, price=price) if price != 3 else "backends: [no policy\n")
                router.process.send_signal(signal.SIGHUP)
                note("reload")
                for path in ("/api/backends", "/api/queue", "/readyz"):
                    router.admin("GET", path)
                run("report", "--data", str(router.data), timeout=PATIENCE)
                over.wait(5)

        def guarded(function, *arguments):
            try:
                function(*arguments)
            except Exception as error:  # noqa: BLE001
                if not over.is_set():
                    faults.append(f"{function.__name__}: {type(error).__name__}: {error}")

        work = [(live, "urgent", True)] * 3 + [(live, "urgent", False)] * 2 + [(live, "patient", True)] * 2 + [(leaver,)] * 2 + [(later,), (batches,), (operator,)]
        samples = []
        with concurrent.futures.ThreadPoolExecutor(len(work)) as crowd:
            for one in work:
                crowd.submit(guarded, *one)
            began = time.monotonic()
            while time.monotonic() - began < MINUTES * 60:
                time.sleep(5)
                size = wal.stat().st_size / 1e6 if wal.exists() else 0
                samples.append((resident_megabytes(router.process), descriptors(router.process), size))
                if faults or router.process.poll() is not None:
                    break
            over.set()
        assert router.process.poll() is None, router.said()
        assert not faults, f"{len(faults)}:\n" + "\n".join(faults[:5])
        idle = eventually(lambda: all(one["in_flight"] == 0 for one in router.admin("GET", "/api/backends").json["data"] if one["name"] != "inside"), 60, 1, "an idle router")
        assert idle
        # The first fifth is warming up.
        quarter = max(1, len(samples) // 5)
        early, late = samples[quarter:2 * quarter], samples[-quarter:]
        median = lambda part, place: statistics.median(sample[place] for sample in part)  # noqa: E731
        memory, open_files, log = ((median(early, place), median(late, place)) for place in range(3))
        said = (f"{sum(counts.values())} events in {MINUTES:g} min: {dict(sorted(counts.items()))}; memory {memory[0]:.0f} then {memory[1]:.0f} MB, "
                f"descriptors {open_files[0]:.0f} then {open_files[1]:.0f}, WAL {log[0]:.1f} then {log[1]:.1f} MB, at most {max(sample[2] for sample in samples):.1f} MB")
        assert router.stop(90) == 0
        assert run("audit", "verify", "--data", str(router.data), timeout=600).returncode == 0
        assert memory[1] <= memory[0] * 1.1 + 5, said
        assert open_files[1] <= open_files[0] + 10, said
        assert log[1] <= max(log[0] * 1.5, 70), said
        return said


if MINUTES:
    case("soak", "mixed load with faults, reloads and clients that leave: memory, descriptors and the write-ahead log stay where they are", MINUTES * 60 + 600)(soak)
