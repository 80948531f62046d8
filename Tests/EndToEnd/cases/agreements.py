"""How clients and operators come to terms with a router: preferences, keys of their own, what waits, and a policy that changes meanwhile."""
import concurrent.futures
import http.client
import json

from kit.cases import case, eventually
from kit.router import Router
from kit.upstream import RESET, Upstream, chat, failure

POLICY = """
backends:
  quick: { api: openai, url: "UPSTREAM", price: { input: 2.50, output: 10.00 } }
models: { chat: { quick: large } }
classes:
  realtime: { serve: now, use: [quick] }
  patient: { serve: later, use: [quick], deadline: 24h, during: { hours: 00:00-00:01, days_of_month: [-1] } }
  CLASS
routes:
  ROUTE
  - { match: { async: true }, class: patient }
  - { class: realtime }
baseline: { backend: quick, model: requested, serve: now }
"""


def policy(upstream, more="", route=""):
    return POLICY.replace("UPSTREAM", upstream.url).replace("CLASS", more).replace("ROUTE", route)


@case("agree-prefer-lines", "a preference counts in whichever line and spelling it comes; of two waits the first one")
def prefer_lines():
    with Router(policy(Upstream())) as router:
        body = json.dumps({"model": "chat", "messages": [{"role": "user", "content": "hi"}]})
        for lines in (["respond-async", "wait=1"], ["wait=1", "respond-async"], ["Respond-Async, wait = 1"], ["wait=1, respond-async, wait=60"]):
            connection = http.client.HTTPConnection("127.0.0.1", router.port, timeout=10)
            connection.putrequest("POST", "/v1/chat/completions")
            for name, value in (("content-type", "application/json"), ("content-length", str(len(body))), *(("prefer", line) for line in lines)):
                connection.putheader(name, value)
            connection.endheaders(body.encode())
            answer = connection.getresponse()
            assert answer.status == 202 and answer.getheader("preference-applied") == "respond-async", f"{lines}: {answer.status}"
            connection.close()


@case("agree-retry-with-key", "an SDK's retry of a call with an idempotency key is answered by that call; without the mark it is 409, under another key it runs")
def retry_with_key():
    upstream = Upstream(chat(tokens=2, first=1.5))
    with Router(policy(upstream)) as router, concurrent.futures.ThreadPoolExecutor() as crowd:
        def ask(key, count):
            return router.chat("once", headers={"idempotency-key": key, "x-stainless-retry-count": count})

        first = crowd.submit(ask, "one", "0")
        eventually(lambda: upstream.posts(), what="the first call")
        retry, another = crowd.submit(ask, "one", "1"), crowd.submit(ask, "two", "1")
        refused = router.chat("once", headers={"idempotency-key": "one"})
        assert refused.status == 409 and refused.error["code"] == "idempotency_in_flight" and refused.headers["retry-after"], refused
        assert first.result().status == 200 and retry.result().body == first.result().body, retry.result()
        assert another.result().status == 200 and len(upstream.posts()) == 2, f"{len(upstream.posts())} calls"
        assert ask("one", "2").body == first.result().body and len(upstream.posts()) == 2, "the answer is not kept"


@case("agree-echo", "a background response that waits says what it was asked, also when it is retrieved, streamed or cancelled")
def echo():
    asked = {"metadata": {"team": "search"}, "instructions": "be brief", "temperature": 0.5, "max_output_tokens": 77}
    with Router(policy(Upstream())) as router:
        made = router.request("POST", "/v1/responses", {"model": "chat", "input": "hi", "background": True, **asked}).json
        path = f"/v1/responses/{made['id']}"
        seen = [made, router.request("GET", path).json, router.request("POST", f"{path}/cancel").json, router.request("GET", path).json]
        events = router.request("GET", f"{path}?stream=true").body.split(b"data: ")[1:]
        seen += [json.loads(event.split(b"\n")[0])["response"] for event in events]
        assert [response["status"] for response in seen] == ["queued", "queued", "cancelled", "cancelled", "queued", "queued", "cancelled"], seen
        for response in seen:
            assert {name: response[name] for name in asked} == asked, response


@case("agree-operator", "the admin listener answers HEAD where it answers GET, and says with 405 which methods a path takes")
def operator():
    with Router(policy(Upstream())) as router:
        for path in ("/livez", "/readyz", "/api/backends"):
            answer = router.admin("HEAD", path)
            assert answer.status == 200 and not answer.body, f"{path}: {answer}"
        for method, path, allowed in (("GET", "/api/reload", "POST"), ("POST", "/api/report", "GET, HEAD"), ("PUT", "/api/keys", "GET, HEAD, POST")):
            answer = router.admin(method, path)
            assert answer.status == 405 and answer.headers["allow"] == allowed and answer.json["status"] == 405, f"{path}: {answer} {answer.headers}"
        assert router.request("POST", "/v1/chat/completions/", {}).status == 404, "a path with a slash behind it"
        for path in ("/v1/chat/completions", "/api/nothing"):
            assert router.admin("POST", path).status == 404, path


@case("agree-key-names", "a key is revoked by its name in a running server whatever letters the name has")
def key_names():
    with Router(policy(Upstream())) as router:
        data = ["--data", str(router.data)]
        router.run("keys", "new", "that stays", *data)
        for name in ("my key", "a/b", "50% off?", "Schlüssel", "a%20b"):
            key = json.loads(router.run("keys", "new", name, *data, "--output", "json").stdout)["key"]
            headers = {"authorization": f"Bearer {key}"}
            assert router.request("GET", "/v1/models", headers=headers).status == 200, name
            router.run("keys", "revoke", name, *data)
            assert router.request("GET", "/v1/models", headers=headers).status == 401, f"{name} is revoked"
        assert router.admin("DELETE", "/api/keys/%zz").status == 400
        assert router.admin("DELETE", "/api/keys/none").status == 404


@case("agree-connection-gone", "a client that waits on its connection when the process is killed or stopped gets no answer, and nobody is called for it later; one that may poll gets its 202")
def connection_gone():
    upstream = Upstream(chat(tokens=2, first=4))
    held = "held: { serve: later, use: [quick], deadline: 24h, hold: 60s }"
    route = "- { match: { metadata: { job: held } }, class: held }"
    with Router(policy(upstream, held, route), arguments=["--drain", "1s"]) as router, concurrent.futures.ThreadPoolExecutor() as crowd:
        def ask(text, **more):
            try:
                return router.chat(text, **more)
            except (OSError, http.client.HTTPException):
                return None

        waiting = [crowd.submit(ask, "held", metadata={"job": "held"}), crowd.submit(ask, "flex", service_tier="flex")]
        eventually(lambda: upstream.posts(), what="the held call")
        router.kill()
        assert [answer.result() for answer in waiting] == [None, None]
        calls = len(upstream.posts())
        router.start()
        listed = eventually(lambda: (lambda jobs: len(jobs) == 2 and jobs)(router.request("GET", "/v1/jobs").json["data"]), what="both jobs")
        assert {job["status"] for job in listed} == {"cancelled"}, listed
        refused = crowd.submit(ask, "stopped", metadata={"job": "held"})
        polled = crowd.submit(ask, "polled", headers={"prefer": "respond-async, wait=60"})
        eventually(lambda: len(upstream.posts()) == calls + 1, what="the next held call")
        assert router.stop() == 0
        assert refused.result().status == 503 and refused.result().error["code"] == "draining", refused.result()
        assert polled.result().status == 202 and polled.result().headers["location"], polled.result()
        router.start()
        found = {job["id"]: job["status"] for job in router.request("GET", "/v1/jobs").json["data"]}
        assert found[polled.result().json["id"]] == "held" and sorted(found.values()) == ["cancelled"] * 3 + ["held"], found
        assert len(upstream.posts()) == calls + 1, "a call for nobody"


@case("agree-job-route", "the answer of a job says where it came from and what it cost, as a live one does, also after a restart")
def job_route():
    upstream = Upstream(chat(tokens=2))
    with Router(policy(upstream, "soon: { serve: later, use: [quick], deadline: 1h }", "- { match: { metadata: { job: soon } }, class: soon }")) as router:
        job = router.chat(metadata={"job": "soon"}, headers={"prefer": "respond-async"}).json["id"]
        answer = eventually(lambda: (lambda found: found.status == 200 and found)(router.request("GET", f"/v1/jobs/{job}")), what="the job's answer")
        for answer in (answer, router.kill() or router.start().request("GET", f"/v1/jobs/{job}")):
            assert answer.headers["sluice-route"].startswith("soon;") and "backend=quick" in answer.headers["sluice-route"], answer.headers
            assert answer.headers["sluice-cost"].endswith(";currency=USD;basis=usage"), answer.headers


BOTH = """
backends:
  quick: { api: openai, url: "UPSTREAM", price: { input: 0.20, output: 0.60 } }
  dear: { api: openai, url: "OTHER", price: { input: 2.50, output: 10.00 } }
models: { chat: { quick: small, dear: large } }
classes:
  soon: { serve: later, use: [quick, dear], deadline: 24h TERMS }
routes: [ { class: soon } ]
baseline: { backend: dear, model: requested, serve: now }
"""


def both(upstream, other, terms=""):
    return BOTH.replace("UPSTREAM", upstream.url).replace("OTHER", other.url).replace("TERMS", terms)


def ended(router, job, limit=30):
    return eventually(lambda: (lambda found: found.status != 202 and found)(router.request("GET", f"/v1/jobs/{job}")), limit, what="the job's end")


@case("agree-killed-call", "a job that was out at kill -9 is not run again where its class says retry_ambiguous: 0, and its call is in the ledger as in doubt; elsewhere it is")
def killed_call():
    for terms, calls, status in ((", retry_ambiguous: 0", 1, 502), ("", 2, 200)):
        upstream = Upstream(chat(tokens=2, first=30))
        with Router(both(upstream, upstream, terms)) as router:
            job = router.chat(headers={"prefer": "respond-async"}).json["id"]
            eventually(lambda: upstream.posts(), what="the call")
            router.kill()
            upstream.answer = chat(tokens=2)
            router.start()
            answer = ended(router, job)
            assert answer.status == status and len(upstream.posts()) == calls, f"{terms}: {answer}, {len(upstream.posts())} calls"
            kinds = [entry["kind"] for entry in router.ledger() if entry["job_id"] == job and entry["kind"] != "intent"]
            assert kinds == ["in_doubt", "settled"][:calls], kinds


@case("agree-tries", "refusals use up no tries of a job; what fails at the cheapest backend is answered by another of the class", 120)
def tries():
    script = iter([failure(429), failure(429), failure(429), failure(429), lambda call: iter([RESET])])
    upstream = Upstream(lambda call: next(script, chat(tokens=2))(call))
    with Router(both(upstream, upstream).replace("[quick, dear]", "[quick]")) as router:
        answer = ended(router, router.chat(headers={"prefer": "respond-async"}).json["id"], 60)
        assert answer.status == 200 and len(upstream.posts()) == 6, f"{answer}, {len(upstream.posts())} calls"
    cheap, dear = Upstream(failure(500)), Upstream(chat(tokens=2))
    with Router(both(cheap, dear)) as router:
        answer = ended(router, router.chat(headers={"prefer": "respond-async"}).json["id"])
        assert answer.status == 200 and "backend=dear" in answer.headers["sluice-route"] and cheap.posts(), f"{answer} {answer.headers}"


@case("agree-failed-response", "a background response that failed says why, in what is retrieved and in its events")
def failed_response():
    upstream = Upstream(failure(400, "the prompt is too long"))
    with Router(both(upstream, upstream)) as router:
        asked = {"model": "chat", "input": "hi", "background": True}
        made = router.request("POST", "/v1/responses", asked).json
        last = eventually(
            lambda: (lambda found: found["status"] == "failed" and found)(router.request("GET", f"/v1/responses/{made['id']}").json), what="the failure")
        event = json.loads(router.request("POST", "/v1/responses", {**asked, "stream": True}).body.split(b"data: ")[-1])
        assert event["type"] == "response.failed" and event["response"]["error"] == last["error"], event
        assert last["error"] == {"code": "server_error", "message": "the prompt is too long"}, last["error"]
        for wrong in ([], {"completion_window": 7}, {"completion_window": "soon"}):
            assert router.request("POST", "/v1/responses", {**asked, "background_options": wrong}).status == 400, wrong


@case("agree-paused", "a batch that was paused, cancelled and retried runs")
def paused():
    upstream = Upstream(chat(tokens=2, first=30))
    with Router(both(upstream, upstream)) as router:
        line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "chat", "messages": []}}
        form = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        file = router.request("POST", "/v1/files", form + json.dumps(line).encode() + b"\r\n--b--\r\n", {"content-type": "multipart/form-data; boundary=b"})
        order = {"input_file_id": file.json["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        path = f"/v1/batches/{router.request('POST', '/v1/batches', order).json['id']}"
        eventually(lambda: upstream.posts(), what="the line's call")
        upstream.answer = chat(tokens=2)
        for change, status in (("pause", "in_progress"), ("cancel", "cancelled"), ("retry", "completed")):
            assert router.request("POST", f"{path}/{change}").status == 200
            eventually(lambda: router.request("GET", path).json["status"] == status, what=f"{status} after {change}")
