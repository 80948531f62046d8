"""A provider with batch APIs of its own, in both dialects, that keeps its own books: what it was given, what it ran, what it bills.

A batch is done when the case says so: `finish()` runs what is open, or `after` seconds do. `fate(text)` says what becomes of a line: "ok", "expired",
"missing", or an error status. `gate(name)` is called before ("create") and after ("created") each step that makes something, and may break the connection.
"""
import email.parser
import itertools
import json
import threading
import time

from .upstream import CUT, Upstream, chat, whole

PRICE = {"input": 100, "output": 20}


class Batch:
    def __init__(self, id, dialect, lines, metadata=None):
        self.id, self.dialect, self.lines, self.metadata = id, dialect, lines, metadata or {}
        self.created, self.status, self.cancel_asked = time.time(), "in_progress", None
        self.results, self.files, self.ran = [], [], []


class Provider(Upstream):
    def __init__(self, after=None, fate=lambda text: "ok", gate=lambda name: None, answer=None, cancels=True):
        self.after, self.fate, self.gate, self.cancels = after, fate, gate, cancels
        self.files, self.batches, self.deleted = {}, {}, []
        self.status_of_everything = None       # an error that every call about batches gets
        self.counter, self.state = itertools.count(1), threading.RLock()
        self.singly = answer or chat()
        super().__init__(self.handle)

    # --- its books

    @property
    def billed(self):
        """The custom ids of every line that was run, in all batches."""
        return [line["custom_id"] for batch in self.batches.values() for line in batch.ran]

    @property
    def singles(self):
        return [call for call in self.posts() if call.path.endswith(("/chat/completions", "/messages"))]

    def finish(self):
        with self.state:
            for batch in self.batches.values():
                self.run(batch)

    def run(self, batch, status=None):
        """Does what is left of a batch."""
        if batch.status in ("completed", "cancelled", "ended", "expired"):
            return
        for line in batch.lines:
            body = line.get("body") or line.get("params")
            fate = self.fate(body["messages"][-1]["content"])
            if status == "cancelled" and fate == "ok":
                fate = "cancelled"
            if fate == "early":
                fate = "ok"
            if fate == "ok":
                batch.ran.append(line)
            if fate != "missing":
                batch.results.append((line, fate))
        batch.status = status or "completed"
        if batch.dialect == "openai":
            for side in ("output", "error"):
                lines = [self.openai_line(*result) for result in batch.results if (result[1] == "ok") == (side == "output")]
                if lines:
                    id = f"file-{side}-{batch.id}"
                    self.files[id] = {"name": f"{batch.id}_{side}.jsonl", "content": "\n".join(lines).encode(), "created": time.time(), "purpose": "batch_output"}
                    batch.files.append((side, id))

    # --- the wire

    def handle(self, call):
        path, _, query = call.path.partition("?")
        if path.endswith("/chat/completions") or path.endswith("/v1/messages") or path.endswith("/models"):
            yield from (self.singly if "messages" not in path else self.message)(call)
            return
        if self.status_of_everything:
            yield whole(self.status_of_everything, {"error": {"message": "scripted", "type": "account", "param": None, "code": None}})
            return
        steps = path.split("/v1/", 1)[1].split("/")
        for answer in (self.files_call if steps[0] == "files" else self.openai if steps[0] == "batches" else self.anthropic)(call, steps, query):
            yield answer

    def made(self, name, answer):
        """The answer to something that was made, unless the gate breaks the connection."""
        if self.gate(name) == "cut":
            yield CUT
        yield answer

    def files_call(self, call, steps, query):
        if call.method == "POST":
            head = b"content-type: " + call.headers["content-type"].encode() + b"\r\n\r\n"
            parts = email.parser.BytesParser().parsebytes(head + call.raw).get_payload()
            found = {part.get_param("name", header="content-disposition"): part for part in parts}
            assert found["purpose"].get_payload() == "batch", "an upload with another purpose"
            if self.gate("upload") == "cut":
                yield CUT
            with self.state:
                id = f"file-{next(self.counter)}"
                content = found["file"].get_payload(decode=True)
                self.files[id] = {"name": found["file"].get_filename(), "content": content, "created": time.time(), "purpose": "batch"}
            yield from self.made("uploaded", whole(200, self.file(id)))
        elif len(steps) == 1:
            data = [self.file(id) for id in sorted(self.files, key=lambda id: -self.files[id]["created"]) if self.files[id]["purpose"] == "batch"]
            yield whole(200, {"object": "list", "data": data, "has_more": False})
        elif steps[1] not in self.files:
            yield whole(404, {"error": {"message": "no such file", "type": "invalid_request_error", "param": None, "code": None}})
        elif call.method == "DELETE":
            if self.gate("delete") == "cut":
                yield CUT
            self.files.pop(steps[1])
            self.deleted.append(steps[1])
            yield whole(200, {"id": steps[1], "object": "file", "deleted": True})
        elif steps[-1] == "content":
            if self.gate("results") == "cut":
                yield CUT
            content = self.files[steps[1]]["content"]
            yield b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: %d\r\n\r\n" % len(content) + content
        else:
            yield whole(200, self.file(steps[1]))

    def file(self, id):
        file = self.files[id]
        return {"id": id, "object": "file", "bytes": len(file["content"]), "created_at": int(file["created"]), "filename": file["name"],
                "purpose": file["purpose"], "status": "processed"}

    def look(self, batch):
        """What time has done to it meanwhile."""
        if self.after is not None and time.time() - batch.created >= self.after:
            self.run(batch)
        if batch.cancel_asked and self.cancels and batch.status == "cancelling":
            self.run(batch, "cancelled")

    def openai(self, call, steps, query):
        with self.state:
            for batch in self.batches.values():
                self.look(batch)
        if call.method == "POST" and len(steps) == 1:
            if self.gate("create") == "cut":
                yield CUT
            lines = [json.loads(line) for line in self.files[call.json["input_file_id"]]["content"].splitlines()]
            assert len({line["body"]["model"] for line in lines}) == 1, "several models in one batch"
            with self.state:
                batch = Batch(f"batch_{next(self.counter)}", "openai", lines, call.json.get("metadata"))
                batch.input = call.json["input_file_id"]
                self.batches[batch.id] = batch
            yield from self.made("created", whole(200, self.openai_batch(batch)))
        elif len(steps) == 1:
            data = [self.openai_batch(batch) for batch in sorted(self.batches.values(), key=lambda batch: -batch.created)]
            yield whole(200, {"object": "list", "data": data, "has_more": False})
        elif steps[1] not in self.batches:
            yield whole(404, {"error": {"message": "no such batch", "type": "invalid_request_error", "param": None, "code": None}})
        else:
            batch = self.batches[steps[1]]
            if self.gate("look") == "hang":
                yield 120
            if steps[-1] == "cancel":
                if batch.status != "in_progress":
                    yield whole(409, {"error": {"message": "it is over", "type": "invalid_request_error", "param": None, "code": None}})
                    return
                batch.cancel_asked, batch.status = time.time(), "cancelling"
            yield whole(200, self.openai_batch(batch))

    def openai_batch(self, batch):
        files = dict(batch.files)
        return {"id": batch.id, "object": "batch", "endpoint": "/v1/chat/completions", "errors": None, "input_file_id": batch.input,
                "completion_window": "24h", "status": batch.status, "output_file_id": files.get("output"), "error_file_id": files.get("error"),
                "created_at": int(batch.created), "request_counts": {"total": len(batch.lines), "completed": len(batch.ran), "failed": 0},
                "metadata": batch.metadata}

    @staticmethod
    def openai_line(line, fate):
        answer = {"id": f"batch_req_{line['custom_id']}", "custom_id": line["custom_id"], "response": None, "error": None}
        if fate == "ok":
            body = {"id": f"chatcmpl-{line['custom_id']}", "object": "chat.completion", "created": 1, "model": line["body"]["model"],
                    "choices": [{"index": 0, "message": {"role": "assistant", "content": line["body"]["messages"][-1]["content"]}, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": PRICE["input"], "completion_tokens": PRICE["output"], "total_tokens": PRICE["input"] + PRICE["output"]},
                    "service_tier": "default"}
            answer["response"] = {"status_code": 200, "request_id": "r", "body": body}
        elif isinstance(fate, int):
            body = {"error": {"message": "scripted", "type": "invalid_request_error", "param": None, "code": None}}
            answer["response"] = {"status_code": fate, "request_id": "r", "body": body}
        else:
            answer["error"] = {"code": f"batch_{fate}", "message": fate}
        return json.dumps(answer)

    def anthropic(self, call, steps, query):
        assert call.headers.get("anthropic-version"), "a call without a version"
        with self.state:
            for batch in self.batches.values():
                self.look(batch)
        steps = steps[1:]
        if call.method == "POST" and len(steps) == 1:
            if self.gate("create") == "cut":
                yield CUT
            with self.state:
                batch = Batch(f"msgbatch_{next(self.counter)}", "anthropic", call.json["requests"])
                self.batches[batch.id] = batch
            yield from self.made("created", whole(200, self.anthropic_batch(batch)))
        elif len(steps) == 1:
            data = [self.anthropic_batch(batch) for batch in sorted(self.batches.values(), key=lambda batch: -batch.created)]
            yield whole(200, {"data": data, "has_more": False, "first_id": None, "last_id": data[-1]["id"] if data else None})
        elif steps[1] not in self.batches:
            yield whole(404, {"type": "error", "error": {"type": "not_found_error", "message": "no such batch"}})
        elif call.method == "DELETE":
            self.batches[steps[1]].is_deleted = True
            self.deleted.append(steps[1])
            yield whole(200, {"id": steps[1], "type": "message_batch_deleted"})
        elif steps[-1] == "results":
            text = "".join(self.anthropic_line(*result) + "\n" for result in self.batches[steps[1]].results).encode()
            yield b"HTTP/1.1 200 OK\r\ncontent-type: application/x-jsonl\r\ncontent-length: %d\r\n\r\n" % len(text) + text
        else:
            batch = self.batches[steps[1]]
            if steps[-1] == "cancel" and batch.status == "in_progress":
                batch.cancel_asked, batch.status = time.time(), "cancelling"
            yield whole(200, self.anthropic_batch(batch), retry_after="1")

    @staticmethod
    def anthropic_batch(batch):
        isEnded = batch.status in ("completed", "cancelled")
        counts = {"processing": 0 if isEnded else len(batch.lines), "succeeded": len(batch.ran), "errored": 0, "canceled": 0, "expired": 0}
        if isEnded:
            counts["expired"] = len(batch.lines) - len(batch.ran)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(batch.created)) + ".123456+00:00"
        return {"id": batch.id, "type": "message_batch", "processing_status": "ended" if isEnded else "canceling" if batch.cancel_asked else "in_progress",
                "request_counts": counts, "ended_at": None, "created_at": stamp, "expires_at": stamp,
                "results_url": f"/v1/messages/batches/{batch.id}/results" if isEnded else None}

    @staticmethod
    def anthropic_line(line, fate):
        if fate == "ok":
            message = {"id": f"msg_{line['custom_id']}", "type": "message", "role": "assistant", "model": line["params"]["model"],
                       "content": [{"type": "text", "text": line["params"]["messages"][-1]["content"]}], "stop_reason": "end_turn",
                       "usage": {"input_tokens": PRICE["input"], "output_tokens": PRICE["output"], "service_tier": "batch"}}
            return json.dumps({"custom_id": line["custom_id"], "result": {"type": "succeeded", "message": message}})
        if isinstance(fate, int):
            kind = "invalid_request_error" if fate == 400 else "api_error"
            error = {"type": "error", "error": {"type": kind, "message": "scripted"}, "request_id": None}
            return json.dumps({"custom_id": line["custom_id"], "result": {"type": "errored", "error": error}})
        return json.dumps({"custom_id": line["custom_id"], "result": {"type": "canceled" if fate == "cancelled" else fate}})

    @staticmethod
    def message(call):
        call.usage = (PRICE["input"], PRICE["output"])
        yield whole(200, {"id": "msg_1", "type": "message", "role": "assistant", "model": call.json.get("model"), "stop_reason": "end_turn",
                          "content": [{"type": "text", "text": call.text}],
                          "usage": {"input_tokens": PRICE["input"], "output_tokens": PRICE["output"]}})
