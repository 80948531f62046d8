"""What must be refused, and how: requests, policies, work for a full disk, a second process."""
import contextlib
import json
import os
import pathlib
import subprocess
import tempfile

from kit.cases import Skip, case, eventually
from kit.router import Router, run

POLICY = """
backends:
  quick: { api: simulated, latency: { first_token: 10ms, per_token: 1ms }, tokens: { output: 5 }, price: { input: 2.50, output: 10.00 } }
models: { chat: { quick: sim-large }, chat-small: { quick: sim-small } }
classes:
  realtime: { serve: now, use: [quick] }
  batch: { serve: later, use: [quick], deadline: 24h }
routes:
  - { match: { async: true }, class: batch }
  - { class: realtime }
baseline: { backend: quick, model: requested, serve: now }
"""
HI = [{"role": "user", "content": "hi"}]
MESSAGES = '"messages":[{"role":"user","content":"hi"}]'
BODIES = [
    ("nothing", ""), ("no JSON", "hello"), ("half a JSON", '{"model":"chat",'), ("a trailing comma", '{"model":"chat",' + MESSAGES + ",}"),
    ("two documents", '{"model":"chat",' + MESSAGES + "}{}"), ("a list", "[]"), ("a comment", '{"model":"chat"/*x*/,' + MESSAGES + "}"),
    ("NaN", '{"model":"chat","temperature":NaN,' + MESSAGES + "}"), ("bytes that are no UTF-8", b'{"model":"ch\xff\xfeat",' + MESSAGES.encode() + b"}"),
    ("depth without end", '{"model":"chat","messages":' + "[" * 100_000 + "]" * 100_000 + "}"),
    ("the model twice", '{"model":"chat","model":"chat-small",' + MESSAGES + "}"),
    ("the model twice, once escaped", '{"model":"chat","\\u006dodel":"chat-small",' + MESSAGES + "}"),
    ("stream twice", '{"model":"chat","stream":true,"stream":false,' + MESSAGES + "}"),
    ("max_tokens twice", '{"model":"chat","max_tokens":1,"max_tokens":2,' + MESSAGES + "}"),
    ("no model", "{" + MESSAGES + "}"), ("a number as model", '{"model":7,' + MESSAGES + "}"), ("a list as model", '{"model":["chat"],' + MESSAGES + "}"),
    ("NUL in the model", '{"model":"chat\\u0000",' + MESSAGES + "}"), ("text as stream", '{"model":"chat","stream":"true",' + MESSAGES + "}"),
    ("a fraction as max_tokens", '{"model":"chat","max_tokens":1.5,' + MESSAGES + "}"), ("a negative max_tokens", '{"model":"chat","max_tokens":-1,' + MESSAGES + "}"),
    ("text as max_tokens", '{"model":"chat","max_tokens":"many",' + MESSAGES + "}"), ("a list as metadata", '{"model":"chat","metadata":[1],' + MESSAGES + "}"),
]
HEADERS = [
    {"sluice-class": "nobody"}, {"sluice-latency-budget": "soon"}, {"sluice-latency-budget": "first_token=-1s"}, {"sluice-deadline": "yesterday"},
    {"sluice-max-cost": "cheap"}, {"sluice-max-cost": "-1"}, {"sluice-tags": "a=b=c, =d"},
]


def refused(answer, status, code):
    assert answer.status == status, answer
    assert answer.error.get("code") == code and answer.error.get("message"), answer
    assert answer.headers["sluice-error-source"] == "gateway", answer.headers


def together(faults):
    assert not faults, f"{len(faults)}:\n" + "\n".join(faults)


@case("bad-bodies", f"{len(BODIES)} bodies that are no request are 400 in both dialects, and the next request is answered")
def bad_bodies():
    faults = []
    with Router(POLICY) as router:
        for what, body in BODIES:
            for path in ("/v1/chat/completions", "/v1/messages"):
                answer = router.request("POST", path, body)
                kind = (answer.error or {}).get("type")
                if answer.status != 400 or kind != "invalid_request_error" or "request_id" not in (answer.json if path == "/v1/messages" else answer.error.get("sluice", {})):
                    faults.append(f"{what} on {path}: {answer}")
        if router.chat().status != 200:
            faults.append("a good request afterwards is refused")
    together(faults)


@case("bad-names", "an unknown model is 404 and names what it may have been; an unknown class or header value is 400")
def bad_names():
    faults = []
    with Router(POLICY) as router:
        answer = router.chat(model="chat-smal")
        refused(answer, 404, "model_not_found")
        assert "`chat-small`" in answer.error["message"], answer
        refused(router.chat(model="something else entirely"), 404, "model_not_found")
        for header in HEADERS:
            answer = router.chat(headers=header)
            if answer.status != 400 or answer.error.get("code") != "invalid_request":
                faults.append(f"{header}: {answer}")
        near = router.chat(headers={"sluice-class": "batsh"})
        if "`batch`" not in near.error.get("message", ""):
            faults.append(f"no near name for a class: {near}")
        for method, path, status in [("GET", "/v1/chat/completions", 405), ("POST", "/v1/nothing", 404), ("GET", "/v1/jobs/job_unknown", 404)]:
            answer = router.request(method, path, json.dumps({"model": "chat"}) if method == "POST" else None)
            if answer.status != status or not answer.error.get("message"):
                faults.append(f"{method} {path}: {answer}")
    together(faults)


HEAD = "version: 1\n"
BACKEND = "backends: { a: { url: https://api.example.com/v1, key: \"${A_KEY:-none}\", price: { input: 1, output: 2 } } }\n"
REST = "models: { chat: { a: large } }\nclasses: { realtime: { serve: now, use: [a] } }\nroutes: [ { class: realtime } ]\nbaseline: { backend: a, model: requested, serve: now }\n"
# A policy that is wrong; the slug that says how; the line that it says so of.
POLICIES = [
    ("a secret in the file", HEAD + "backends:\n  a:\n    url: https://api.example.com/v1\n    key: sk-proj-0123456789abcdefghijklmnopqrstuvwxyz\n    price: { input: 1, output: 2 }\n" + REST, "secret_literal", 5),
    ("a zone that is none", HEAD + BACKEND + "windows:\n  night: { hours: 22:00-06:00, timezone: Europe/Berln }\n" + REST, "unknown_zone", 4),
    ("a route that is never reached", HEAD + BACKEND + REST.replace("[ { class: realtime } ]", "\n  - { class: realtime }\n  - { match: { model: chat }, class: realtime }"), "unreachable_route", 7),
    ("a model without a price where that is refused", HEAD + "unpriced: reject\n" + BACKEND.replace(", price: { input: 1, output: 2 }", "") + REST.replace("large", "nobody-knows-it"), "unpriced", 4),
    ("a key with a typing error", HEAD + BACKEND + REST.replace("serve: now, use", "sreve: now, use"), "unknown_key", 4),
    ("a pool that is not there", HEAD + BACKEND + REST.replace("use: [a]", "use: [b]"), "unknown_name", 4),
    ("no last route for the rest", HEAD + BACKEND + REST.replace("[ { class: realtime } ]", "[ { match: { model: chat }, class: realtime } ]"), "no_final_route", None),
]


@case("bad-policies", f"{len(POLICIES)} policies that are wrong: check and serve exit 1 and say where, and no secret is repeated")
def bad_policies():
    faults = []
    with tempfile.TemporaryDirectory(prefix="sluice-policies-") as folder:
        path = pathlib.Path(folder) / "policy.yaml"
        for what, policy, slug, line in POLICIES:
            path.write_text(policy)
            checked = run("check", "--output", "json", str(path))
            said = [d for d in json.loads(checked.stdout or "{}").get("diagnostics", []) if d["severity"] == "error"]
            if checked.returncode != 1 or slug not in [d["code"] for d in said] or line not in (None, *[d["line"] for d in said if d["code"] == slug]):
                faults.append(f"{what}: check exits {checked.returncode} and says {[(d['code'], d['line'], d['message']) for d in said]}")
            served = run("serve", "--config", str(path), "--data", f"{folder}/data", timeout=20)
            if served.returncode != 1 or str(path) not in served.stderr:
                faults.append(f"{what}: serve exits {served.returncode} and says {served.stderr[-300:]}")
            if "0123456789abcdef" in checked.stdout + checked.stderr + served.stdout + served.stderr:
                faults.append(f"{what}: the secret is repeated")
    together(faults)


@case("no-keys", "a listener for other machines does not open without a key, and does with one")
def no_keys():
    with Router(POLICY, start=False) as router:
        policy = router.config / "policy.yaml"
        policy.write_text(policy.read_text().replace("listen: 127.0.0.1", "insecure: true, listen: 0.0.0.0"))
        done = subprocess.run(router.command(), env=router.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "sluice keys new" in done.stderr, (done.returncode, done.stderr[-500:])
        made = run("keys", "new", "first", "--data", str(router.data), "--output", "json")
        key = json.loads(made.stdout)["key"]
        router.start()
        refused(router.chat(), 401, "invalid_api_key")
        assert router.chat(headers={"authorization": f"Bearer {key}"}).status == 200


@contextlib.contextmanager
def small_disk(megabytes):
    if os.geteuid() != 0:
        raise Skip("root, to mount a small disk")
    with tempfile.TemporaryDirectory(prefix="sluice-disk-") as folder:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], capture_output=True).returncode:
            raise Skip("the right to mount a tmpfs")
        try:
            yield pathlib.Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=False)


def fill(path):
    with open(path, "wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(b"x" * 4096):
            pass


@case("full-disk", "a full disk: new jobs are 507, live requests go on, nothing acknowledged is lost, and all is well once there is room", 180)
def full_disk():
    # The journal reserves some megabytes at the start.
    with small_disk(48) as disk, Router(POLICY, data=disk / "data") as router:
        later = {"prefer": "respond-async"}
        jobs, live = [], 0
        for page in range(12):
            # What runs when the disk is full ends at another page each time.
            jobs += [taken(router.chat("kept", headers=later)) for _ in range(4)]
            fill(disk / "filler")
            os.truncate(disk / "filler", (disk / "filler").stat().st_size - 4096 * page)

            def full():
                answer = router.chat("x" * 9_000, headers=later)
                if answer.status == 202:
                    jobs.append(answer)
                return answer if answer.status != 202 else None
            refused(eventually(full, 20, what="a job that is refused"), 507, "storage_full")
            for _ in range(5):
                answer = router.chat("a live one")
                assert answer.status == 200, f"a live request on a full disk: {answer}"
                live += 1
            (disk / "filler").unlink()
            jobs.append(eventually(lambda: (answer := router.chat("again", headers=later)).status == 202 and answer, 20, 0.2, "a job that is taken again"))
        for job in jobs:
            place = job.headers["location"]
            eventually(lambda: router.request("GET", place).status == 200, 20, 0.2, f"the answer of {place}, taken before the disk was full,")
        entries = router.closed(live + len(jobs), limit=20)
        assert sum(entry["serve"] == "now" for entry in entries) == live, "live rows of the full time are missing"
        return f"{len(jobs)} jobs"


def taken(answer):
    assert answer.status == 202, answer
    return answer


@case("second-process", "a second process on the same data folder is refused and the first one goes on", 90)
def second_process():
    with Router(POLICY) as router:
        with Router(POLICY, data=router.data, start=False) as second:
            done = subprocess.run(second.command(), env=second.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and str(router.data) in done.stderr, (done.returncode, done.stderr[-500:])
        assert router.chat().status == 200


LONG = ["99999999999h", "99999999999999999999999999d", "9e99h", "3661d", "1300mo", "36600d", "9999-12-31T23:59:59Z", "2037-01-01"]
WIDEST = """
backends:
  own: { api: simulated, limits: { concurrent: 2 }, price: { input: 1, output: 1 } }
  spare: { api: simulated, price: { input: 2, output: 2 } }
models: { chat: { own: m, spare: m } }
pools: { house: { backends: [own] }, api: { backends: [spare] } }
classes:
  live: { serve: now, use: [house, api], latency: { first_token: LIFE, total: LIFE }, timeouts: { first_token: LIFE, idle: LIFE }, spill: { when_wait: LIFE, max_spend: 1/day } }
  patient: { serve: later, use: [house], deadline: LIFE, hold: LIFE, promote: { to: api, before_deadline: LESS } }
routes: [{ match: { metadata: { job: held } }, class: patient }, { match: { async: true }, class: patient }, { class: live }]
baseline: { backend: spare, model: requested, serve: now }
"""


@case("durations-requests", "a duration or an instant further away than ten years is 400 with its parameter, and nothing is harmed by one that is not")
def durations_requests():
    faults = []
    with Router(POLICY) as router:
        def is_refused(what, answer, param):
            if answer.status != 400 or answer.error.get("param") != param:
                faults.append(f"{what}: {answer}")

        upload = b'--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n%s--b\r\ncontent-disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n' \
                 b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"chat","messages":[{"role":"user","content":"hi"}]}}\r\n--b--\r\n'
        part = b'--b\r\ncontent-disposition: form-data; name="expires_after[%s]"\r\n\r\n%s\r\n'

        def send(life=b""):
            return router.request("POST", "/v1/files", upload % life, {"content-type": "multipart/form-data; boundary=b"})

        file = send().json["id"]

        def batch(window="24h", **more):
            return router.request("POST", "/v1/batches", {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": window, **more})

        for long in LONG:
            is_refused(f"deadline {long}", router.chat(headers={"sluice-deadline": long}), "Sluice-Deadline")
            is_refused(f"batch {long}", batch(long), "completion_window")
            background = {"model": "chat", "input": "hi", "background": True, "background_options": {"completion_window": long}}
            is_refused(f"background {long}", router.request("POST", "/v1/responses", background), "background_options.completion_window")
            if not long[4] == "-":
                is_refused(f"budget {long}", router.chat(headers={"sluice-latency-budget": f"total={long}"}), "Sluice-Latency-Budget")
        for seconds in ("99999999999", "99999999999999999999999", "-1", "1e9", "2592001"):
            is_refused(f"file {seconds}", send(part % (b"anchor", b"created_at") + part % (b"seconds", seconds.encode())), "expires_after[seconds]")
            is_refused(f"output {seconds}", batch(output_expires_after={"anchor": "created_at", "seconds": json.loads(seconds)}), "output_expires_after.seconds")
        for last in ("3659d", "87000h"):
            for headers in ({"sluice-deadline": last}, {"sluice-deadline": last, "prefer": "respond-async, wait=1"}, {"sluice-latency-budget": f"first_token={last}, total={last}"}):
                if router.chat(headers=headers).status not in (200, 202):
                    faults.append(f"{headers} is refused")
            if batch(last).status != 200:
                faults.append(f"a batch with {last} is refused")
        absurd = {"prefer": "respond-async, wait=999999999999999999999", "x-stainless-read-timeout": "1e300"}
        if router.chat(headers=absurd).status not in (200, 202):
            faults.append("an absurd wait is not cut")
        if router.chat().status != 200 or router.process.poll() is not None:
            faults.append("a good request afterwards is refused")
    together(faults)


@case("durations-policies", "the longest durations that a policy may name harm nothing")
def durations_policies():
    with Router(WIDEST.replace("LIFE", "36500d").replace("LESS", "36499d"), server="retention: { requests: 36500d, prompts: 36500d, rollups: 36500d }") as router:
        assert router.chat().status == 200 and router.chat(stream=True).status == 200
        held = router.chat(metadata={"job": "held"})
        assert held.status == 200, held
        waited = router.chat(headers={"prefer": "respond-async, wait=10"})
        assert waited.status in (200, 202), waited
        for command in (["windows"], ["explain", "--model", "chat", "--async"], ["check"], ["config", "--effective"]):
            router.run(*command, "--config", str(router.config))
        router.kill()
        router.start()
        assert router.chat().status == 200
