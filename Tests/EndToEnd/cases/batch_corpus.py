"""Tests/Corpus/batches and Tests/Corpus/headers.tsv: what clients hand in, and what must come of it."""
import json
import re
import socket

from kit.cases import ROOT, case, eventually
from kit.router import Router, run

CORPUS = ROOT / "Tests" / "Corpus"
POLICY = """
tenants:
  alpha: { keys: [alpha-*] }
  beta: { keys: [beta-*] }
  default: {}
backends:
  quick: { api: simulated, latency: { first_token: 1ms, per_token: 0ms }, tokens: { output: 5 }, price: { input: 2.50, output: 10.00 } }
models: { chat: { quick: sim-large }, chat-small: { quick: sim-small } }
classes:
  realtime: { serve: now, use: [quick] }
  batch: { serve: later, use: [quick], deadline: 24h }
routes:
  - { match: { async: true }, class: batch }
  - { class: realtime }
baseline: { backend: quick, model: requested, serve: now }
"""


def whole(content):
    """`<<<text*1000>>>` is the text a thousand times, `<<<lines*3 …#…>>>` three lines with their numbers."""
    content = re.sub(rb"<<<lines\*(\d+) (.*)>>>\n", lambda m: b"".join(m[2].replace(b"#", b"%d" % n, 1) + b"\n" for n in range(int(m[1]))), content)
    return re.sub(rb"<<<(.)\*(\d+)>>>", lambda m: m[1] * int(m[2]), content)


def rows(file):
    for line in file.read_text().splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def form(content, name="lines.jsonl", purpose="batch"):
    boundary = b"----sluice"
    return (b'--%s\r\ncontent-disposition: form-data; name="purpose"\r\n\r\n%s\r\n'
            b'--%s\r\ncontent-disposition: form-data; name="file"; filename="%s"\r\ncontent-type: application/jsonl\r\n\r\n%s\r\n--%s--\r\n'
            % (boundary, purpose.encode(), boundary, name.encode(), content, boundary))


FORM = {"content-type": "multipart/form-data; boundary=----sluice"}


def upload(router, content, headers=None):
    return router.request("POST", "/v1/files", form(content), {**FORM, **(headers or {})}, timeout=120)


def batch_of(router, file, headers=None, **more):
    return router.request(
        "POST", "/v1/batches", {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "1h", **more}, headers)


def ended(router, batch, headers=None):
    def look():
        answer = router.request("GET", f"/v1/batches/{batch}", headers=headers)
        return answer.json if answer.json["status"] in ("completed", "failed", "expired", "cancelled") else None
    return eventually(look, 120, what=f"the end of {batch}")


def outcome(router, content):
    """What comes of a file, in the words of `expect.tsv`, and the warnings of its upload."""
    answer = upload(router, content)
    if answer.status != 200:
        return str(answer.status), None
    batch = ended(router, batch_of(router, answer.json["id"]).json["id"])
    if batch["errors"]:
        fault = batch["errors"]["data"][0]
        assert len(batch["errors"]["data"]) <= 100 and all(fault["message"] for fault in batch["errors"]["data"]), batch
        return f"{batch['status']} {fault['code']}" + (f":{fault['line']}" if fault["line"] else ""), answer.headers.get("sluice-warnings")
    counts = batch["request_counts"]
    assert counts["completed"] + counts["failed"] == counts["total"], batch
    if counts["completed"]:
        ids = [json.loads(line)["custom_id"] for line in whole(content).splitlines() if line.strip().startswith((b"{", b"\xef\xbb\xbf"))] \
            if b"<<<" not in content else []
        text = router.request("GET", f"/v1/files/{batch['output_file_id']}/content").body.decode()
        found = [json.loads(line)["custom_id"] for line in text.splitlines()]
        assert not ids or set(found) <= set(ids), f"{found} came back of {ids}"
    return f"{batch['status']} {counts['completed']} {counts['failed']}", answer.headers.get("sluice-warnings")


@case("corpus-batches", "each file of Tests/Corpus/batches ends as its row says, and an upload that will fail says so at once", 300)
def batch_corpus():
    folder = CORPUS / "batches"
    expected = {name: what for name, what, *_ in rows(folder / "expect.tsv")}
    there = {file.name for file in folder.iterdir()} - {"expect.tsv"}
    assert there == set(expected), f"files without a row or rows without a file: {there ^ set(expected)}"
    faults = []
    with Router(POLICY) as router:
        for name, what in expected.items():
            found, warnings = outcome(router, whole((folder / name).read_bytes()))
            if found != what:
                faults.append(f"{name}: {found}, wanted {what}")
            if (what.startswith("failed")) != bool(warnings):
                # Only the batch knows its endpoint: a fault against it cannot be seen before.
                faults.append(f"{name}: {what}, and the upload warns of {warnings}")
        if router.chat().status != 200:
            faults.append("a good request afterwards is refused")
    assert not faults, f"{len(faults)}:\n" + "\n".join(faults)
    return f"{len(expected)} files"


def line(n, content="hi"):
    return json.dumps({"custom_id": f"r{n}", "method": "POST", "url": "/v1/chat/completions",
                       "body": {"model": "chat", "messages": [{"role": "user", "content": content}]}}).encode() + b"\n"


@case("corpus-uploads", "an upload that is cut leaves nothing; a file may be used twice; a key makes one batch of two calls", 120)
def batch_uploads():
    with Router(POLICY) as router:
        body = form(b"".join(line(n) for n in range(200)))
        for tenth in range(1, 10):
            with socket.create_connection(("127.0.0.1", router.port)) as client:
                client.sendall(b"POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n" % (
                    FORM["content-type"].encode(), len(body)))
                client.sendall(body[:len(body) * tenth // 10])
        assert router.request("GET", "/v1/files").json["data"] == [], "a part of a file is there"
        file = upload(router, b"".join(line(n) for n in range(3))).json["id"]
        first, second = batch_of(router, file).json["id"], batch_of(router, file).json["id"]
        assert first != second
        for batch in (first, second):
            assert ended(router, batch)["request_counts"]["completed"] == 3
        key = {"idempotency-key": "once"}
        once, again = batch_of(router, file, key), batch_of(router, file, key)
        assert once.status == 200 and once.body == again.body, (once, again)
        assert batch_of(router, file, key, metadata={"other": "body"}).status == 422
        listed = router.request("GET", "/v1/files").json["data"]
        outputs = [found for found in listed if found["purpose"] == "batch_output"]
        assert len(outputs) >= 2 and any(found["id"] == file for found in listed), listed
        output = ended(router, first)["output_file_id"]
        assert router.request("GET", "/v1/files?purpose=batch_output&limit=1").json["has_more"]
        assert router.request("GET", f"/v1/files/{output}").json == next(found for found in outputs if found["id"] == output)
        assert router.request("DELETE", f"/v1/files/{output}").status == 200
        assert output not in [found["id"] for found in router.request("GET", "/v1/files").json["data"]]


@case("corpus-headers", "each row of Tests/Corpus/headers.tsv gets its status; foreign ids are unknown; the log stays whole", 120)
def header_corpus():
    faults = []
    with Router(POLICY, start=False) as router:
        keys = {}
        for name in ("alpha-app", "beta-app"):
            made = run("keys", "new", name, "--data", str(router.data), "--output", "json")
            keys[name] = json.loads(made.stdout)["key"]
        router.start()
        alpha, beta = ({"authorization": f"Bearer {key}"} for key in keys.values())
        count = 0
        for what, method, path, lines, status in rows(CORPUS / "headers.tsv"):
            count += 1
            found = raw(router, method, path, lines.replace("KEY", keys["alpha-app"]).replace("OTHER", keys["beta-app"]))
            if found != int(status):
                faults.append(f"{what}: {found}, wanted {status}")
        file = upload(router, line(1), alpha).json["id"]
        batch = batch_of(router, file, alpha).json["id"]
        ended(router, batch, alpha)
        for path in (f"/v1/files/{file}", f"/v1/files/{file}/content", f"/v1/batches/{batch}", f"/v1/files/{file.upper()}", f"/v1/batches/{file}"):
            foreign, unknown = router.request("GET", path, headers=beta), router.request("GET", path[:-1] + "~", headers=beta)
            if (foreign.status, foreign.error.get("code")) != (404, unknown.error.get("code")):
                faults.append(f"{path} of another tenant: {foreign}")
        if batch_of(router, file, beta).status != 400:
            faults.append("a batch of another tenant's file is taken")
        if "\x1b" in (router.folder / "log").read_text(errors="replace"):
            faults.append("a client's bytes steer the terminal of whoever reads the log")
    assert not faults, f"{len(faults)}:\n" + "\n".join(faults)
    return f"{count} requests"


def raw(router, method, path, lines):
    """The status of a request whose headers go out as they are."""
    def text(value):
        value = re.sub(r"<<<(.)\*(\d+)>>>", lambda m: m[1] * int(m[2]), value)
        return re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), value)
    body = b"" if method == "GET" else b"{}"
    head = f"{method} {text(path)} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
    head += "".join(text(line) + "\r\n" for line in lines.split("¦") if line)
    if body:
        head += ("" if "content-type" in lines else "content-type: application/json\r\n") + f"content-length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", router.port), timeout=10) as client:
        client.sendall(head.encode() + b"\r\n" + body)
        answer = b""
        while b"\r\n" not in answer:
            more = client.recv(4096)
            if not more:
                return None
            answer += more
        return int(answer.split(b" ", 2)[1])
