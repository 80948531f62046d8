"""A real llama.cpp server behind Sluice. It closes the connection after every stream, and leaves idle ones after five seconds."""
import concurrent.futures
import contextlib
import json
import re
import subprocess
import tempfile
import urllib.request

from kit.cases import HERE, case, eventually, python_of
from kit.router import Router, free_port
from kit.wire import stream

POLICY = """
backends:
  own: {{ api: llama.cpp, url: "{url}", price: {{ input: 2.50, cached: 0.25, output: 10.00 }}, limits: {{ concurrent: 4 }} }}
models: {{ tiny: {{ own: tiny }} }}
classes: {{ realtime: {{ serve: now, use: [own], latency: {{ first_token: 60s }} }} }}
routes: [ {{ class: realtime }} ]
baseline: {{ backend: own, model: requested, serve: now }}
"""


class Llama:
    def __init__(self, port):
        self.port, self.url = port, f"http://127.0.0.1:{port}/v1"

    def counted(self):
        """(prompt tokens worked on, tokens generated), as the server itself counts them for its metrics."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return tuple(int(float(re.search(rf"(?m)^llamacpp:{name} (\S+)", text).group(1))) for name in ("prompt_tokens_total", "tokens_predicted_total"))


@contextlib.contextmanager
def llama():
    python = python_of("llama")
    with tempfile.TemporaryDirectory(prefix="sluice-llama-") as folder:
        model = f"{folder}/tiny.gguf"
        subprocess.run([python, HERE / "llama" / "tiny_model.py", model], check=True, capture_output=True)
        server = Llama(free_port())
        with open(f"{folder}/log", "wb") as log:
            process = subprocess.Popen([python, HERE / "llama" / "serve.py", model, str(server.port)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            def ready():
                assert process.poll() is None, f"llama.cpp ended: {open(log.name).read()[-500:]}"
                with contextlib.suppress(OSError):
                    return urllib.request.urlopen(f"http://127.0.0.1:{server.port}/health", timeout=2).status == 200
            eventually(ready, 60, what="a llama.cpp server")
            yield server
        finally:
            process.terminate()
            process.wait()


def ask(text, tokens=8, **more):
    return {"model": "tiny", "max_tokens": tokens, "temperature": 0, "messages": [{"role": "user", "content": text}], **more}


def used(router, request_id):
    """The one entry of the ledger that closes this request: (input of both kinds, output)."""
    def look():
        return [entry for entry in router.ledger() if entry["request_id"] == request_id and entry["kind"] == "settled"]
    entry, = eventually(look, 10, 0.2, f"an entry for {request_id}")
    assert entry["outcome"] == "ok" and entry["evidence"] == "computed", entry
    usage = entry["usage"]
    return usage["input"] + usage.get("cached_input", 0), usage["output"]


@case("llama-openai", "answers of a real llama.cpp server on OpenAI's routes, and its own usage in the ledger", 120)
def openai_routes():
    with llama() as server, Router(POLICY.format(url=server.url)) as router:
        answer = router.request("POST", "/v1/chat/completions", ask("hello there"))
        assert answer.status == 200 and answer.json["choices"][0]["message"]["content"], answer
        usage = answer.json["usage"]
        assert used(router, answer.headers["x-request-id"]) == (usage["prompt_tokens"], usage["completion_tokens"])

        head, events = stream(router, "/v1/chat/completions", ask("hello again", stream=True, stream_options={"include_usage": True}))
        assert events[-1] == "[DONE]", events[-1]
        pieces = [json.loads(event) for event in events[:-1]]
        assert "".join(choice["delta"].get("content") or "" for piece in pieces for choice in piece["choices"]), "no text"
        usage = pieces[-1]["usage"]
        assert used(router, head["x-request-id"]) == (usage["prompt_tokens"], usage["completion_tokens"])

        # Usage that the client did not ask for reaches the ledger all the same.
        head, events = stream(router, "/v1/chat/completions", ask("and once more", stream=True))
        assert not any(json.loads(event).get("usage") for event in events[:-1]), "usage that nobody asked for"
        assert used(router, head["x-request-id"])[1] == 8

        answer = router.request("POST", "/v1/responses", {"model": "tiny", "input": "hello", "max_output_tokens": 8, "temperature": 0})
        assert answer.status == 200 and answer.json["status"] in ("completed", "incomplete"), answer
        usage = answer.json["usage"]
        assert used(router, answer.headers["x-request-id"]) == (usage["input_tokens"], usage["output_tokens"])


@case("llama-anthropic", "answers of a real llama.cpp server on Anthropic's routes, and its own usage in the ledger", 120)
def anthropic_routes():
    with llama() as server, Router(POLICY.format(url=server.url)) as router:
        def read(usage):
            return usage["input_tokens"] + usage.get("cache_read_input_tokens", 0), usage["output_tokens"]

        answer = router.request("POST", "/v1/messages", ask("hello there"), {"anthropic-version": "2023-06-01"})
        assert answer.status == 200 and answer.json["content"][0]["text"], answer
        assert used(router, answer.headers["request-id"]) == read(answer.json["usage"])

        head, events = stream(router, "/v1/messages", ask("hello again", stream=True))
        kinds = [json.loads(event)["type"] for event in events]
        assert kinds[0] == "message_start" and kinds[-1] == "message_stop", kinds
        usage = {}
        for event in map(json.loads, events):
            usage |= event.get("usage") or (event.get("message") or {}).get("usage") or {}
        assert used(router, head["request-id"]) == read(usage)

        counted = router.request("POST", "/v1/messages/count_tokens", ask("hello there"))
        assert counted.status == 200 and counted.json["input_tokens"] > 0, counted


@case("llama-500-streams", "500 streams from a server that closes the connection after each: no error, and every token in the ledger", 240)
def five_hundred_streams():
    count, tokens = 500, 6
    with llama() as server, Router(POLICY.format(url=server.url)) as router:
        def one(number):
            head, events = stream(router, "/v1/chat/completions", ask(f"number {number}", tokens, stream=True), timeout=120)
            return head["status"], events[-1]
        with concurrent.futures.ThreadPoolExecutor(16) as crowd:
            ends = list(crowd.map(one, range(count)))
        odd = [end for end in ends if end != (200, "[DONE]")]
        assert not odd, f"{len(odd)} of {count} streams: {odd[:3]}"
        entries = router.closed(count)
        assert len(entries) == count and {entry["outcome"] for entry in entries} == {"ok"}, {entry["outcome"] for entry in entries}
        generated = sum(entry["usage"]["output"] for entry in entries)
        assert generated == server.counted()[1], f"{generated} tokens in the ledger, {server.counted()[1]} by the server's own count"
        return f"{generated} tokens, as many as the server counted"
