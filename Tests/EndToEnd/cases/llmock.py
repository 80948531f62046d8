"""llmock breaks its answers on purpose and judges how its client, Sluice, takes it."""
import contextlib
import json
import os
import subprocess
import tempfile
import urllib.request

from kit.cases import case, eventually, python_of
from kit.router import Router, free_port
from kit.wire import stream

POLICY = """
backends:
  judge: {{ url: "{url}/v1", price: {{ input: 2.50, output: 10.00 }} }}
models: {{ gpt-4o: {{ judge: gpt-4o }} }}
pools: {{ only: {{ backends: [judge], retry: 2, failover: [connect, timeout, 429, 5xx] }} }}
classes:
  realtime: {{ serve: now, use: [only] }}
  batch: {{ serve: later, use: [only], deadline: 1h }}
routes:
  - {{ match: {{ async: true }}, class: batch }}
  - {{ class: realtime }}
baseline: {{ backend: judge, model: requested, serve: now }}
"""


class Judge:
    def __init__(self, python, port):
        self.python, self.url = python, f"http://127.0.0.1:{port}"

    def plays(self, *behaviours):
        request = urllib.request.Request(
            f"{self.url}/_llmock/scenario", json.dumps({"behaviors": behaviours}).encode(), {"content-type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()

    def verdict(self):
        """(whether the client behaved, the report)."""
        done = subprocess.run([self.python.parent / "llmock", "report", "--url", self.url], capture_output=True, text=True)
        return done.returncode == 0, done.stdout


@contextlib.contextmanager
def judge():
    python = python_of("llmock")
    port = free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [python.parent / "llmock", "serve", "--port", str(port), "--log-level", "warning"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, "NO_COLOR": "1"})
        try:
            def ready():
                assert process.poll() is None, "llmock ended"
                with contextlib.suppress(OSError):
                    return urllib.request.urlopen(f"http://127.0.0.1:{port}/_llmock/requests", timeout=2).status == 200
            eventually(ready, 60, what="llmock")
            yield Judge(python, port)
        finally:
            process.terminate()
            process.wait()


def body(text, **more):
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}


def behaves(judge):
    behaved, report = judge.verdict()
    assert behaved, report
    return report.strip().splitlines()[0]


@case("llmock-live", "llmock finds nothing to blame in how Sluice takes faults on live calls", 120)
def live():
    with judge() as upstream, Router(POLICY.format(url=upstream.url)) as router:
        ask = lambda text: router.request("POST", "/v1/chat/completions", body(text))  # noqa: E731
        upstream.plays({"type": "fail", "status": 400})
        assert ask("a request that is wrong").status == 400
        upstream.plays({"type": "fail", "status": 503})
        failed = ask("a server that stumbles")
        assert failed.status in (200, 502, 503), failed
        # llmock's 503 asks for a second of rest, and gets it.
        eventually(lambda: ask("is it back?").status == 200, 10, 0.2, "a backend that is asked again")
        # A stream that ends early is an error for the caller, who asks again.
        upstream.plays({"type": "stream_fault", "kind": "truncate", "after_chunks": 3})
        _, events = stream(router, "/v1/chat/completions", body("a stream that is cut", stream=True))
        assert "error" in json.loads(events[-1]), events[-1]
        _, events = stream(router, "/v1/chat/completions", body("a stream that is cut", stream=True))
        assert events[-1] == "[DONE]", events[-1]
        # Last, since the backend is left alone for as long as it asked.
        upstream.plays({"type": "fail", "status": 429, "retry_after": 20})
        limited = ask("one too many")
        assert limited.status == 429 and 1 <= int(limited.headers["retry-after"]) <= 60, limited.headers
        return behaves(upstream)


@case("llmock-deferred", "llmock finds nothing to blame in how Sluice takes faults on deferred calls: it waits as long as Retry-After says", 180, waits=True)
def deferred():
    with judge() as upstream, Router(POLICY.format(url=upstream.url)) as router:
        def job(text):
            accepted = router.request("POST", "/v1/chat/completions", body(text), {"prefer": "respond-async"})
            assert accepted.status == 202, accepted
            def over():
                answer = router.request("GET", accepted.headers["location"])
                return answer if answer.status != 202 else None
            return eventually(over, 60, 0.2, f"the end of a job: {text}")

        upstream.plays({"type": "fail", "status": 429, "retry_after": 2, "times": 2})
        assert job("one too many, twice").status == 200
        upstream.plays({"type": "fail", "status": 503})
        assert job("a server that stumbles").status == 200
        upstream.plays({"type": "fail", "status": 400})
        assert job("a request that is wrong").status == 400
        return behaves(upstream)
