"""What every answer says beside its body, whatever it is about: methods, dialects, limits, where it came from."""
import contextlib
import json
import sqlite3
import time

from cases.batch_corpus import batch_of, ended, upload
from kit.cases import case, eventually
from kit.raw import Conversation, unchunked
from kit.router import Router
from kit.upstream import CUT, RESET, Upstream, chat, failure
from kit.wire import events

POLICY = """
tenants: { desk: { keys: [desk], limits: { requests_per_minute: 3, tokens_per_minute: 100000 } } }
backends:
  quick: { api: simulated, latency: { first_token: 10ms, per_token: 1ms }, tokens: { output: 5 }, price: { input: 2.50, output: 10.00 } }
models: { chat: { quick: sim-large } }
classes:
  realtime: { serve: now, use: [quick] }
  patient: { serve: later, use: [quick], deadline: 24h }
  held: { serve: later, use: [quick], deadline: 24h, hold: 20s }
routes:
  - { match: { metadata: { job: held } }, class: held }
  - { match: { async: true }, class: patient }
  - { class: realtime }
baseline: { backend: quick, model: requested, serve: now }
"""
METHODS = [
    ("/v1/chat/completions", "POST"), ("/v1/messages", "POST"), ("/v1/messages/count_tokens", "POST"), ("/v1/models", "GET, HEAD"), ("/v1/models/a/b:c", "GET, HEAD"),
    ("/v1/jobs", "GET, HEAD"), ("/v1/jobs/job_1", "DELETE, GET, HEAD"), ("/v1/jobs/job_1/cancel", "POST"), ("/v1/files", "GET, HEAD, POST"),
    ("/v1/files/file-1/content", "GET, HEAD"), ("/v1/batches", "GET, HEAD, POST"), ("/v1/batches/batch_1/cancel", "POST"), ("/v1/messages/batches", "GET, HEAD, POST"),
    ("/v1/responses/resp_1", "DELETE, GET, HEAD"), ("/v1/webhook_endpoints", "GET, HEAD, POST"),
]
SIMULATED = "api: simulated, latency: { first_token: 10ms, per_token: 1ms }, tokens: { output: 5 },"
ANTHROPIC = {"anthropic-version": "2023-06-01"}


@case("manners-methods", f"a method that a path does not take is 405 on {len(METHODS)} routes, and Allow says which it takes; HEAD goes where GET goes")
def methods():
    with Router(POLICY) as router:
        for path, allowed in METHODS:
            answer = router.request("PUT", path, {})
            assert answer.status == 405 and answer.headers.get("allow") in (allowed, allowed.replace(", HEAD", "")), f"{path}: {answer} {answer.headers}"
            kind = answer.json.get("type") if path.startswith("/v1/messages") else answer.error.get("code")
            assert kind == ("error" if path.startswith("/v1/messages") else "invalid_request"), answer
            answer = router.request("TRACE", path)
            assert answer.status == 405 and answer.headers.get("allow") in (allowed, allowed.replace(", HEAD", "")), f"TRACE {path}: {answer} {answer.headers}"
        answer = router.request("BREW", "/v1/models")
        assert answer.status == 405 and "GET" in answer.headers["allow"], f"{answer} {answer.headers}"
        answer = router.request("HEAD", "/v1/models")
        assert answer.status == 200 and not answer.body, answer
        assert router.request("PUT", "/v1/nothing", {}).status == 404


@case("manners-models", "a client with anthropic-version gets models, their errors and the request's id in Anthropic's words")
def models():
    with Router(POLICY) as router:
        for path, status in (("/v1/models", 200), ("/v1/models/chat", 200), ("/v1/models/nothing", 404)):
            answer = router.request("GET", path, headers=ANTHROPIC)
            assert answer.status == status and answer.headers.get("request-id"), f"{answer} {answer.headers}"
            assert status == 200 or answer.json["type"] == "error" and answer.json["error"]["type"] == "not_found_error", answer
            assert "request-id" not in router.request("GET", path).headers


@case("manners-timing", "Server-Timing names policy, queue, connect and ttft, on a new connection and on a kept one")
def timing():
    upstream = Upstream(chat(tokens=2))
    with Router(POLICY.replace(SIMULATED, f"api: openai, url: {upstream.url},")) as router:
        for _ in range(2):
            timing = router.chat().headers["server-timing"]
            assert [part.split(";")[0].strip() for part in timing.split(",")] == ["policy", "queue", "connect", "ttft"], timing


@case("manners-quotas", "a tenant with limits reads on every answer how it stands with them, also on the one that refuses it")
def quotas():
    router = Router(POLICY, start=False)
    with router:
        key = json.loads(router.run("keys", "new", "desk", "--tenant", "desk", "--data", str(router.data), "--output", "json").stdout)["key"]
        router.start()
        for left, status in ((2, 200), (1, 200), (0, 200), (0, 429)):
            answer = router.chat(headers={"authorization": f"Bearer {key}"})
            headers = answer.headers
            assert answer.status == status, answer
            assert headers["x-ratelimit-limit-requests"] == "3" and headers["x-ratelimit-remaining-requests"] == str(left), headers
            assert headers["x-ratelimit-reset-requests"].endswith("s") and int(headers["x-ratelimit-remaining-tokens"]) < 100000, headers
            assert headers["ratelimit-policy"] == '"requests";q=3;w=60, "tokens";q=100000;w=60', headers
            assert headers["ratelimit"].startswith(f'"requests";r={left};t='), headers
        assert answer.error["code"] == "rate_limited", answer


@case("manners-tokens", "tokens per minute count as they were used when the request is over: less is given back, more is a debt, at tenants and at backends")
def tokens():
    for tenant, refused in ((True, "rate_limited"), (False, None)):
        used = {"tokens": 5}
        upstream = Upstream(lambda call: chat(prompt=10, **used)(call))
        policy = POLICY.replace(SIMULATED, f"api: openai, url: {upstream.url},").replace("requests_per_minute: 3, tokens_per_minute: 100000", "tokens_per_minute: 1000" if tenant else "concurrent: 9")
        policy = policy if tenant else policy.replace("price: {", "limits: { tokens_per_minute: 1000 }, price: {")
        with Router(policy.replace("serve: now, use: [quick]", "serve: now, use: [quick], latency: { total: 1s }"), start=False) as router:
            key = json.loads(router.run("keys", "new", "desk", "--tenant", "desk", "--data", str(router.data), "--output", "json").stdout)["key"]
            router.start()

            def ask():
                return router.chat(max_tokens=600, headers={"authorization": f"Bearer {key}"})
            assert [ask().status for _ in range(5)] == [200] * 5, "five times 600 tokens are held, five times 15 are used"
            used["tokens"] = 2000
            assert ask().status == 200
            answer = ask()
            assert answer.status in (429, 503, 504) and (refused is None or answer.error["code"] == refused), answer


@case("manners-waited", "an answer that came on the connection after a wait says where it came from and what it cost")
def waited():
    with Router(POLICY) as router:
        for more, headers in (({"metadata": {"job": "held"}}, {}), ({"service_tier": "flex"}, {}), ({}, {"prefer": "respond-async, wait=20"})):
            answer = router.chat(headers=headers, **more)
            assert answer.status == 200 and "backend=quick" in answer.headers["sluice-route"], f"{answer} {answer.headers}"
            assert answer.headers["sluice-cost"].endswith(";currency=USD;basis=usage"), answer.headers


@case("manners-key", "an idempotency key gives the answer that was given: the 200 that came within `wait`, the 202 where none did, and nothing that was erased")
def keys():
    with Router(POLICY) as router:
        def ask(key, wait, text="hi"):
            return router.chat(text, headers={"prefer": f"respond-async, wait={wait}", "idempotency-key": key})
        first, again = ask("a", 20), eventually(lambda: (lambda found: found.status != 409 and found)(ask("a", 20)))
        assert first.status == again.status == 200 and first.body == again.body, f"{first} {again}"
        assert first.headers["sluice-route"] == again.headers["sluice-route"], again.headers
        assert ask("a", 20, "something else").status == 422
        first, again = ask("b", 0), ask("b", 0)
        assert first.status == again.status == 202 and first.json["id"] == again.json["id"], f"{first} {again}"
        ids = [job["id"] for job in router.request("GET", "/v1/jobs").json["data"]]
        assert len(ids) == 2, f"two keys made {len(ids)} jobs"
        eventually(lambda: router.request("GET", f"/v1/jobs/{ids[0]}").status == 200, what="the job's end")
        for id in ids:
            assert router.request("DELETE", f"/v1/jobs/{id}").status == 200
        assert ask("a", 20).headers["x-request-id"] != first.headers["x-request-id"], "an erased answer is still told"
        again = ask("b", 0)
        assert again.status == 202 and again.json["id"] == first.json["id"], again


@case("manners-job", "a finished job says where its answer came from and what it cost, and simulated answers are of today")
def finished_job():
    with Router(POLICY) as router:
        job = router.chat(headers={"prefer": "respond-async"}).json["id"]
        for _ in range(2):
            answer = eventually(lambda: (lambda found: found.status != 202 and found)(router.request("GET", f"/v1/jobs/{job}")), what="the job's end")
            assert "patient;" in answer.headers["sluice-route"] and "backend=quick" in answer.headers["sluice-route"], answer.headers
            assert answer.headers["sluice-cost"].endswith(";currency=USD;basis=usage"), answer.headers
            assert abs(answer.json["created"] - time.time()) < 30, answer.json
            router.stop()
            router.start()


@case("manners-expiry", "the output files of a batch expire as long after its end as `output_expires_after` says")
def expiry():
    with Router(POLICY) as router:
        file = upload(router, b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"chat","messages":[]}}\n').json["id"]
        for wrong in ({"anchor": "created_at", "seconds": 3599}, {"anchor": "created_at", "seconds": 2592001}, {"anchor": "now", "seconds": 3600}, {"seconds": 3600},
                      {"anchor": "created_at", "seconds": "3600"}, {"anchor": "created_at"}, 3600, []):
            answer = batch_of(router, file, output_expires_after=wrong)
            assert answer.status == 400 and answer.error["param"].startswith("output_expires_after"), f"{wrong}: {answer}"
        for life in ({"anchor": "created_at", "seconds": 7200}, None):
            batch = ended(router, batch_of(router, file, output_expires_after=life).json["id"])
            found = router.request("GET", f"/v1/files/{batch['output_file_id']}").json
            listed = [each for each in router.request("GET", "/v1/files").json["data"] if each["id"] == found["id"]]
            assert found["expires_at"] == (batch["completed_at"] + 7200 if life else None) and listed == [found], f"{batch} {found} {listed}"


@case("manners-failed-job", "a job that has failed for good says whose error it is, and that asking again is of no use")
def failed_job():
    upstream = Upstream(failure(400))
    policy = POLICY.replace(SIMULATED, f"api: openai, url: {upstream.url},")
    with Router(policy) as router:
        for headers, status, source in (({}, 400, "upstream"), ({"sluice-max-cost": "0.000001"}, 422, "gateway")):
            job = router.chat(headers={"prefer": "respond-async", **headers}).json["id"]
            answer = eventually(lambda: (lambda found: found.status != 202 and found)(router.request("GET", f"/v1/jobs/{job}")), what="the job's end")
            assert answer.status == status and answer.headers["sluice-error-source"] == source and answer.headers["x-should-retry"] == "false", f"{answer} {answer.headers}"


@case("manners-codings", "a body in a content coding is 415 wherever a body is taken, hot and cold; identity is none")
def codings():
    bodies = {"/v1/chat/completions": {"model": "chat", "messages": []}, "/v1/batches": {}, "/v1/messages/batches": {"requests": []}, "/v1/webhook_endpoints": {}, "/v1/files": {}}
    with Router(POLICY) as router:
        for path, body in bodies.items():
            for coding in ("gzip", "GZIP", "identity, br"):
                answer = router.request("POST", path, body, {"content-encoding": coding})
                assert answer.status == 415, f"{path} in {coding}: {answer}"
                assert path.startswith("/v1/messages") or answer.error["param"] == "Content-Encoding", answer
            assert router.request("POST", path, body, {"content-encoding": "identity"}).status != 415, path


@case("manners-forms", "a form whose file has a NUL in its name, or is a form itself, is refused")
def forms():
    def part(*lines):
        return "\r\n".join(['--b', 'content-disposition: form-data; name="purpose"', "", "batch", "--b", *lines, "", "{}", "--b--", ""])
    file = 'content-disposition: form-data; name="file"; filename='
    with Router(POLICY) as router:
        def send(*lines):
            return router.request("POST", "/v1/files", part(*lines).encode(), {"content-type": "multipart/form-data; boundary=b"})
        assert send(file + '"a.jsonl"').status == 200
        for wrong in ([file + '"a\0b.jsonl"'], [file + '"a%00b.jsonl"'], [file[:-1] + "*=UTF-8''a%00b.jsonl"], [file + '"a"', "content-type: multipart/mixed; boundary=c"],
                      ["content-type: Multipart/Mixed; boundary=c", 'content-disposition: form-data; name="file"']):
            answer = send(*wrong)
            assert answer.status == 400 and "the form is broken" in answer.error["message"], f"{wrong}: {answer}"


@case("manners-amounts", "sluice.max_cost may be any JSON number or a plain text; what is none is refused, and no line runs without its bound")
def amounts():
    with Router(POLICY) as router:
        def line(cost):
            body = f'{{"model":"chat","messages":[],"sluice":{{"max_cost":{cost}}}}}'
            return f'{{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{body}}}\n'

        def upload(data):
            form = f'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'
            return router.request("POST", "/v1/files", form.encode() + data + b"\r\n--b--\r\n", {"content-type": "multipart/form-data; boundary=b"})

        def order(file, **more):
            return router.request("POST", "/v1/batches", {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h", **more})

        def end(batch):
            return eventually(lambda: (lambda found: found["status"] in ("completed", "failed") and found)(router.request("GET", f"/v1/batches/{batch}").json), what="its end")

        for cost, status, failed in (("1e-9", "completed", 1), ("1E+2", "completed", 0), ('"0.5"', "completed", 0), ("null", "completed", 0), ('"many"', "failed", 0), ("-1", "failed", 0)):
            seen = end(order(upload(line(cost).encode()).json["id"]).json["id"])
            assert seen["status"] == status and seen["request_counts"]["failed"] == failed, f"{cost}: {seen}"
        file = upload(line("1").encode()).json["id"]
        assert order(file, sluice={"max_cost": 0.00001}).status == 200
        assert [order(file, sluice={"max_cost": cost}).status for cost in ("many", -1, True)] == [400, 400, 400]
        for data in (b"\xff\xfe", line("1").encode().replace(b'"a"', b'"\xff"')):
            refused = upload(data)
            assert refused.status == 400 and refused.error["param"] == "file", refused
        later = upload(line("1").encode() + b"\xff\n")
        assert later.status == 200 and "line=2" in later.headers["sluice-warnings"], later


@case("manners-admin-names", "the admin listener answers to names of this machine only: no name that begins like its address, no page of another site")
def admin_names():
    with Router(POLICY) as router:
        def status(**headers):
            return router.request("GET", "/api/backends", headers={name.replace("_", "-"): value for name, value in headers.items()}, port=router.admin_port).status

        for host in ("127.0.0.1.example.org", "127.0.0.1x", "localhost.example.org", "example.org"):
            assert status(host=host) == 403 and status(origin=f"http://{host}") == 403, host
        assert status(sec_fetch_site="cross-site") == 403
        for host in ("localhost", "127.0.0.1", f"127.0.0.1:{router.admin_port}", "[::1]"):
            assert status(host=host) == 200, host


@case("manners-free", "a count of tokens costs nothing: it passes an empty budget and the lowest cost limit, and is booked at 0")
def free():
    with Router(POLICY + "budgets: { none: { limit: 0.0000001, per: day, at: { 100%: reject } } }\n") as router:
        body = {"model": "chat", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
        assert router.request("POST", "/v1/messages", body).status == 429
        assert router.request("POST", "/v1/messages/count_tokens", body, {"sluice-max-cost": "0.0000001"}).status == 200
        assert [entry["cost"] for entry in router.closed(1)] == ["0"]


@case("manners-admin-api", "the admin API lists backends with all their figures, windows as the command prints them, and makes keys from a body, too")
def admin_api():
    with Router("windows: { night: { hours: 22:00-06:00, timezone: Europe/Berlin } }" + POLICY) as router:
        assert router.chat().status == 200
        backend = router.admin("GET", "/api/backends").json["data"][0]
        fields = ("name", "state", "in_flight", "limit", "first_token_p50_ms", "first_token_p95_ms", "error_ratio", "breaker")
        assert set(fields) <= set(backend) and backend["error_ratio"] == 0 and backend["breaker"] == "closed", backend
        listed = json.loads(router.run("windows", "--config", str(router.config), "--next", "3d", "--output", "json").stdout)
        assert router.admin("GET", "/api/windows?next=3d").json == listed and listed["data"], listed
        assert router.admin("GET", "/api/windows?next=soon").status == 400
        made = router.admin("POST", "/api/keys", {"name": "ci", "tenant": "desk"})
        assert made.status == 201 and made.json["name"] == "ci" and made.json["tenant"] == "desk" and made.json["key"], made
        assert router.admin("POST", "/api/keys", {}).status == 400


def old(stream, *headers):
    """A chat request of an HTTP/1.0 client."""
    body = json.dumps({"model": "chat", "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
    return "\r\n".join(["POST /v1/chat/completions HTTP/1.0", f"content-length: {len(body)}", *headers, "", body]).encode()


@case("manners-http10", "an HTTP/1.0 client gets a stream without chunks that ends with its connection, and an answer with its length")
def http10():
    with Router(POLICY) as router:
        for headers in ([], ["connection: keep-alive"]):
            with Conversation(router.port) as talk:
                talk.send(old(True, *headers)).listen(until=99, patience=10)
            head, body = talk.replies[0], talk.received
            assert talk.closed and head.status == 200 and head.headers["connection"] == "close", head.headers
            assert "transfer-encoding" not in head.headers and "content-length" not in head.headers, head.headers
            assert events(body)[-1] == "[DONE]" and len(events(body)) == 8, body
            with Conversation(router.port) as talk:
                talk.send(old(False, *headers)).listen(until=1)
                # It must be told that its connection stays, and then it does.
                if headers:
                    talk.send(old(False))
                talk.listen(until=99, patience=10)
            assert talk.closed and talk.statuses == [200] * (2 if headers else 1), talk.replies
            assert talk.replies[0].headers["connection"] == ("keep-alive" if headers else "close"), talk.replies[0].headers
            assert json.loads(talk.replies[0].body)["choices"], talk.replies[0].body


@case("manners-http10-backend", "a backend that speaks HTTP/1.0 and ends its bodies with the connection is relayed whole; one that breaks off is not taken for whole")
def http10_backend():
    plan = {}

    def answer(call):
        wire = b"".join(chat(tokens=3)(call))
        body = b"".join(f"data: {data}\n\n".encode() for data in events(unchunked(wire.split(b"\r\n\r\n", 1)[1])[0])) if call.json["stream"] else wire.split(b"\r\n\r\n", 1)[1]
        kind = b"text/event-stream" if call.json["stream"] else b"application/json"
        yield b"HTTP/1.0 200 OK\r\ncontent-type: " + kind + b"\r\n\r\n"
        yield body[:len(body) // 2 if plan["is_half"] else None]
        yield plan["end"]

    with Router(POLICY.replace(SIMULATED, f'url: "{Upstream(answer).url}",')) as router:
        for stream in (True, False):
            plan.update(is_half=False, end=CUT)
            good = router.chat(stream=stream)
            assert good.status == 200 and (events(good.body)[-1] == "[DONE]" if stream else good.json["choices"]), good
            for end in (CUT, RESET):
                plan.update(is_half=True, end=end)
                broken = router.chat(stream=stream)
                assert "error" in events(broken.body)[-1] if stream else broken.status == 502, f"half of it, stream {stream}: {broken}"


def expecting(path, length, *headers, kind="application/json"):
    return "\r\n".join([f"POST {path} HTTP/1.1", "host: sluice.test", f"content-type: {kind}", f"content-length: {length}", "expect: 100-continue", *headers, "", ""]).encode()


@case("manners-continue", "Expect: 100-continue on hot and cold routes: leave to send the body is given when it is about to be read, and who is refused by the head gets none")
def hundred_continue():
    form = "\r\n".join(["--b", 'content-disposition: form-data; name="purpose"', "", "batch", "--b", 'content-disposition: form-data; name="file"; filename="a"', "", "{}", "--b--", ""])
    bodies = {
        "/v1/chat/completions": (json.dumps({"model": "chat", "messages": [{"role": "user", "content": "hi"}]}), "application/json", 200),
        "/v1/files": (form, "multipart/form-data; boundary=b", 200), "/v1/batches": ("{}", "application/json", 400), "/v1/messages/batches": ('{"requests": []}', "application/json", 400),
    }
    refusals = {"of a web page": (10, ["origin: http://evil.test"], 403), "too large": (1 << 40, [], 413), "a key that is none": (10, [f"idempotency-key: {'x' * 300}"], 400)}
    with Router(POLICY) as router:
        for path, (body, kind, status) in bodies.items():
            with Conversation(router.port) as talk:
                assert talk.send(expecting(path, len(body), kind=kind)).listen(until=1).statuses == [100], f"{path}: {talk.replies} {talk.received!r}"
                assert talk.send(body.encode()).listen(until=2).statuses == [100, status], f"{path}: {talk.replies}"
                # The connection goes on.
                assert talk.send(b"GET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n").listen(until=3).statuses[-1] == 200, f"{path}: {talk.replies}"
            with Conversation(router.port) as talk:
                # Who does not wait gets no leave that is of no use.
                assert talk.send(expecting(path, len(body), kind=kind) + body.encode()).listen(until=1).statuses in ([status], [100]), f"{path}: {talk.replies}"
                assert talk.listen().statuses in ([status], [100, status]), f"{path}: {talk.replies}"
            for what, (length, headers, refused) in refusals.items():
                if path == "/v1/messages/batches" and what == "a key that is none":
                    continue
                with Conversation(router.port) as talk:
                    assert talk.send(expecting(path, length, *headers, kind=kind)).listen(until=1).statuses == [refused], f"{path}, {what}: {talk.replies} {talk.received!r}"
                    assert talk.listen(until=2, patience=5).closed, f"{path}, {what}: what follows could not be framed"
        for path, kind, refused in (("/v1/files", "text/plain", 400), ("/v1/nothing", "text/plain", 404)):
            with Conversation(router.port) as talk:
                assert talk.send(expecting(path, 10, kind=kind)).listen(until=1).statuses == [refused], f"{path} of {kind}: {talk.replies}"


@case("manners-erased", "what is kept under an idempotency key of a response, job, file or batch goes when that is deleted, and not before", 120)
def erased():
    with Router(POLICY) as router:
        def kept():
            with contextlib.closing(sqlite3.connect(f"file:{router.data / 'sluice.db'}?mode=ro", uri=True)) as db:
                return {key for key, in db.execute("SELECT key FROM kept_answer")}

        def post(path, key, body=None):
            answer = router.request("POST", path, body if body is not None else {}, {"idempotency-key": key})
            assert answer.status in (200, 202), answer
            eventually(lambda: key in kept() or None, what=f"the answer kept under {key}")
            return answer

        def delete(path, *keys):
            assert set(keys) <= kept(), f"{keys} are not kept"
            assert router.request("DELETE", path).status == 200
            left = kept() & set(keys)
            assert not left, f"after DELETE {path} {left} is still kept"

        file = upload(router, b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"chat","messages":[]}}\n', {"idempotency-key": "file"}).json["id"]
        eventually(lambda: "file" in kept() or None)
        other = upload(router, b'{"custom_id":"b","method":"POST","url":"/v1/chat/completions","body":{"model":"chat","messages":[]}}\n', {"idempotency-key": "other"}).json["id"]
        batch = post("/v1/messages/batches", "batch", {"requests": [{"custom_id": "a", "params": {"model": "chat", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}}]}).json["id"]
        response = post("/v1/responses", "response", {"model": "chat", "input": "hi", "background": True, "metadata": {"secret": "mine"}}).json["id"]
        eventually(lambda: router.request("GET", f"/v1/responses/{response}").json["status"] == "completed" or None, what="the response")
        cancelled = post(f"/v1/responses/{response}/cancel", "response-cancel")
        assert "output" in cancelled.json and cancelled.json["status"] == "completed", cancelled
        eventually(lambda: router.request("GET", f"/v1/messages/batches/{batch}").json["processing_status"] == "ended" or None, 30, what="the batch")
        post(f"/v1/messages/batches/{batch}/cancel", "batch-cancel")
        held = router.chat(metadata={"job": "held"}, headers={"idempotency-key": "held"})
        assert held.status == 200, held
        job = eventually(lambda: "held" in kept() and router.request("GET", "/v1/jobs").json["data"])[0]["id"]
        delete(f"/v1/responses/{response}", "response", "response-cancel")
        delete(f"/v1/files/{file}", "file")
        delete(f"/v1/messages/batches/{batch}", "batch", "batch-cancel")
        delete(f"/v1/jobs/{job}", "held")
        assert kept() == {"other"}, kept()
        assert upload(router, b'{"custom_id":"b","method":"POST","url":"/v1/chat/completions","body":{"model":"chat","messages":[]}}\n', {"idempotency-key": "other"}).json["id"] == other


LAX = {
    "two Host fields": (b"GET /api/policy HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n", 400),
    "another site's Host beside ours": (b"GET /api/policy HTTP/1.1\r\nhost: localhost\r\nhost: example.org\r\n\r\n", 400),
    "a target of another site": (b"GET http://example.org/api/policy HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "no Host": (b"GET /api/policy HTTP/1.1\r\n\r\n", 400), "a path of empty parts": (b"GET //api/policy HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "a coding before chunked": (b"GET /api/policy HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: gzip, chunked\r\n\r\n", 501),
    "another expectation": (b"GET /api/policy HTTP/1.1\r\nhost: localhost\r\nexpect: foo\r\n\r\n", 417),
    "an underscore": (b"GET /api/policy HTTP/1.1\r\nhost: localhost\r\nx_t: a\r\n\r\n", 400), "a long head": (b"GET /api/policy HTTP/1.1\r\nhost: localhost\r\nx: " + b"a" * 40_000 + b"\r\n\r\n", 431),
    "two lengths": (b"POST /api/policy/reload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\ntransfer-encoding: chunked\r\n\r\n", 400),
}


@case("manners-admin-strict", f"{len(LAX)} requests that bend HTTP are refused by the admin listener too, as problem details, and the connection is closed")
def admin_strict():
    with Router(POLICY) as router:
        for what, (data, status) in LAX.items():
            with Conversation(router.admin_port) as talk:
                talk.send(data).listen()
                assert talk.statuses == [status] and talk.closed, f"{what}: {talk.statuses}, closed {talk.closed}"
                assert talk.replies[0].headers["content-type"] == "application/problem+json" and json.loads(talk.replies[0].body)["status"] == status, what
        with Conversation(router.admin_port) as talk:
            two = b"POST /api/policy/reload HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n1\r\n \r\n0\r\n\r\nGET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n"
            assert talk.send(two).listen(until=2).statuses[-1] == 200, talk.replies


MALFORMED = {
    b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n": 400, b"POST %s HTTP/1.1\r\n\r\n": 400,
    b"POST %s HTTP/1.1\r\nhost: a\r\nexpect: foo\r\n\r\n": 417, b"POST %s HTTP/1.1\r\nhost: a\r\nx: " + b"a" * 40_000 + b"\r\n\r\n": 431,
    b"POST %s?" + b"a" * 9000 + b" HTTP/1.1\r\nhost: a\r\n\r\n": 414, b"FOO %s HTTP/1.1\r\nhost: a\r\n\r\n": 405,
    b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999\r\n\r\n": 413, b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{": 400,
}


@case("manners-malformed", f"{len(MALFORMED)} heads that are refused, and a body that ends too soon, are refused in the words of their route")
def malformed():
    with Router(POLICY) as router:
        for data, status in MALFORMED.items():
            for path in (b"/v1/chat/completions", b"/v1/messages"):
                with Conversation(router.port) as talk:
                    reply = talk.send(data % path).finish().listen().replies[0]
                body = json.loads(reply.body)
                assert reply.status == status and ("request_id" in body) == (path == b"/v1/messages") == ("request-id" in reply.headers), f"{path} {data[:80]}: {reply} {reply.headers}"
        with Conversation(router.port) as talk:
            talk.send(b"HEAD /v1/chat/completions HTTP/1.1\r\nhost: a\r\n\r\nGET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n").listen(until=2, patience=3)
            assert talk.statuses[0] == 405 and talk.statuses[1] in (200, 401), talk.replies
