"""Kills a loaded router again and again, and compares what it promised and booked with what the backend saw."""
import collections
import concurrent.futures
import decimal
import http.client
import os
import random
import shutil
import threading
import time

from kit.cases import case, eventually, rounds
from kit.router import Router
from kit.upstream import Upstream, chat
from kit.wire import Broken, stream

INPUT, OUTPUT = decimal.Decimal("2.50"), decimal.Decimal("10.00")
POLICY = """
backends:
  own: {{ url: "{url}", price: {{ input: 2.50, output: 10.00 }} }}
models: {{ chat: {{ own: large }} }}
classes:
  realtime: {{ serve: now, use: [own] }}
  batch: {{ serve: later, use: [own], deadline: 24h }}
routes:
  - {{ match: {{ async: true }}, class: batch }}
  - {{ class: realtime }}
baseline: {{ backend: own, model: requested, serve: now }}
"""
CONNECTION = (OSError, http.client.HTTPException, Broken)


class Load:
    """Live streams and jobs from several clients at once, each request with a name of its own, until it is told to stop."""

    def __init__(self, router, names, clients=8):
        self.router, self.names, self.stopped = router, names, threading.Event()
        self.jobs, self.whole = {}, 0
        self.crowd = concurrent.futures.ThreadPoolExecutor(clients)
        self.runs = [self.crowd.submit(self.client) for _ in range(clients)]

    def client(self):
        while not self.stopped.is_set():
            name = next(self.names)
            try:
                if random.random() < 0.5:
                    self.live(name)
                else:
                    self.job(name)
            except CONNECTION:
                time.sleep(0.02)

    def live(self, name):
        _, events = stream(self.router, "/v1/chat/completions", self.body(name, stream=True), {"sluice-tags": f"name={name}"}, timeout=20)
        self.whole += events[-1] == "[DONE]"

    def job(self, name):
        headers = {"prefer": "respond-async", "sluice-tags": f"name={name}"}
        answer = self.router.request("POST", "/v1/chat/completions", self.body(name), headers, timeout=20)
        if answer.status == 202:
            self.jobs[name] = answer.headers["location"]

    @staticmethod
    def body(name, **more):
        return {"model": "chat", "max_tokens": 64, "messages": [{"role": "user", "content": name}], **more}

    def stop(self):
        self.stopped.set()
        for run in self.runs:
            run.result()
        self.crowd.shutdown()


class Names:
    """Names that were not given before, to whichever thread asks."""

    def __init__(self):
        self.lock, self.number = threading.Lock(), 0

    def __next__(self):
        with self.lock:
            self.number += 1
            return f"n{self.number}"


@case("kill-loop", "kill -9 under load: no acknowledged job lost, one result each, every call of the backend in the ledger", 3600)
def kill_loop():
    upstream = Upstream(lambda call: chat(tokens=10, gap=0.01, prompt=100)(call))
    router = Router(POLICY.format(url=upstream.url), start=False)
    jobs, whole, names = {}, 0, Names()
    with router:
        for _ in range(rounds()):
            router.start()
            load = Load(router, names)
            time.sleep(random.uniform(0.1, 1.5))
            router.kill()
            load.stop()
            if os.environ.get("SLUICE_TEST_BREAK") == "journal":
                # The negative control: a router that forgets what it was doing.
                shutil.rmtree(router.data / "journal")
            jobs |= load.jobs
            whole += load.whole
        router.start()
        lost = answers_differ(router, jobs)
        assert not lost, f"{len(lost)} of {len(jobs)} acknowledged jobs: {lost[:5]}"
        assert router.stop() == 0, "the last process did not end in order"
        note = judge_books(router, upstream, jobs)
    return f"{rounds()} kills, {len(jobs)} acknowledged jobs, {whole} whole streams; {note}"


def answers_differ(router, jobs):
    """The jobs that have no answer, or somebody else's."""
    def answer(place):
        def over():
            got = router.request("GET", place)
            return got if got.status != 202 else None
        return eventually(over, 60, 0.2, f"the end of {place}")
    lost = []
    for name, place in jobs.items():
        got = answer(place)
        if got.status != 200 or got.json["choices"][0]["message"]["content"] != name:
            lost.append((name, got))
    return lost


def judge_books(router, upstream, jobs):
    """Compares the ledger with what the backend itself wrote down, request by request."""
    closed = collections.defaultdict(list)
    for entry in router.ledger():
        if entry["kind"] in ("settled", "waste", "in_doubt"):
            closed[entry["tags"].get("name")].append(entry)
    calls = collections.defaultdict(list)
    for call in upstream.posts():
        calls[call.text].append(call)
    assert None not in closed, f"entries that belong to no request: {closed[None][:2]}"
    unbooked = [name for name in calls if len(closed[name]) < len(calls[name])]
    assert not unbooked, f"{len(unbooked)} of {len(calls)} requests have calls without an entry, such as {unbooked[0]}: {closed[unbooked[0]]}"
    for name in jobs:
        results = [entry for entry in closed[name] if entry["kind"] == "settled" and entry["outcome"] == "ok"]
        assert len(results) == 1, f"job {name} has {len(results)} results: {closed[name]}"
    repeated = [name for name, made in calls.items() if len(made) > 1 and not any(entry["serve"] == "later" for entry in closed[name])]
    assert not repeated, f"live calls that were made again after a kill: {repeated[:5]}"
    doubt = 0
    for name, made in calls.items():
        truth = sum((call.usage[0] * INPUT + call.tokens * OUTPUT) / 1_000_000 for call in made if call.usage)
        low, high = (sum(decimal.Decimal(entry[side] or 0) for entry in closed[name]) for side in ("cost_low", "cost_high"))
        assert low <= truth <= high, f"{name} cost {truth}, the ledger says {low} to {high}: {closed[name]}"
        doubt += sum(entry["kind"] == "in_doubt" for entry in closed[name])
    return f"{len(upstream.posts())} calls, all booked, {doubt} in doubt and bounded"
