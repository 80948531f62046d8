"""What a batch client does with the `openai` package, run inside a private virtual environment: openai_deferred_calls.py NAME..."""
import functools
import http.server
import io
import json
import queue
import sys
import threading
import time

import openai
from openai import OpenAI
from perform import perform

ENDED = ("completed", "failed", "expired", "cancelled")


@functools.cache
def client(**settings):
    """One for each set of settings: to make one takes longer than most calls."""
    return OpenAI(**{"max_retries": 0, "timeout": 30, **settings})


def lines(count, **body):
    return "".join(
        json.dumps({"custom_id": f"line {i} ☂", "method": "POST", "url": "/v1/chat/completions",
                    "body": {"model": "chat", "messages": [{"role": "user", "content": f"text {i}"}], **body}}) + "\n"
        for i in range(count)).encode()


def uploaded(data):
    return client().files.create(file=("in.jsonl", io.BytesIO(data)), purpose="batch")


def created(count, window="24h", **more):
    return client().batches.create(
        input_file_id=uploaded(lines(count)).id, endpoint="/v1/chat/completions", completion_window=window, **more)


def ended(batch):
    for _ in range(300):
        batch = client().batches.retrieve(batch.id)
        if batch.status in ENDED:
            return batch
        time.sleep(0.1)
    raise AssertionError(f"the batch stays {batch.status}")


def files():
    data = lines(3)
    made = client().files.create(
        file=("wörk/load.jsonl", io.BytesIO(data)), purpose="batch", extra_body={"expires_after": {"anchor": "created_at", "seconds": 3600}})
    assert made.to_dict()["expires_at"] == made.created_at + 3600, made
    assert made.status == "processed" and made.bytes == len(data) and made.filename == "load.jsonl", made
    assert client().files.wait_for_processing(made.id, max_wait_seconds=5).id == made.id
    assert client().files.retrieve(made.id).purpose == "batch"
    assert made.id in [one.id for one in client().files.list(purpose="batch", limit=100)]
    assert client().files.content(made.id).read() == data
    with client().files.with_streaming_response.content(made.id) as answer:
        assert b"".join(answer.iter_bytes()) == data
    assert client().files.delete(made.id).deleted
    try:
        client().files.retrieve(made.id)
    except openai.NotFoundError:
        return
    raise AssertionError("a deleted file is still found")


def file_pages():
    """By pages of 2, each once, the newest first and the oldest first; after one that is not there is an error."""
    made = [uploaded(lines(1)).id for _ in range(7)]
    for order, wanted in (("desc", made[::-1]), ("asc", made)):
        seen = [one.id for one in client().files.list(purpose="batch", limit=2, order=order) if one.id in made]
        assert seen == wanted, f"{order}: {seen}, not {wanted}"
    assert [one.id for one in client().files.list(purpose="batch", after=made[3], order="asc").data if one.id in made] == made[4:]
    try:
        client().files.list(after="file-that-is-not-there")
    except openai.APIStatusError as error:
        assert 400 <= error.status_code < 500, error
        return
    raise AssertionError("a page after an unknown file is given")


def batch():
    first = created(40, window="90m", metadata={"team": "search"})
    assert first.status in ("validating", "in_progress") and first.expires_at == first.created_at + 5400, first
    last = ended(first)
    assert last.status == "completed" and last.request_counts.total == last.request_counts.completed == 40, last
    assert last.metadata == {"team": "search"} and last.to_dict()["usage"]["output_tokens"] == 40 * 20, last
    rows = [json.loads(line) for line in client().files.content(last.output_file_id).text.splitlines()]
    assert sorted(row["custom_id"] for row in rows) == sorted(f"line {i} ☂" for i in range(40)), rows[:2]
    assert all(row["response"]["status_code"] == 200 and row["error"] is None for row in rows)


def batch_that_fails():
    broken = client().batches.create(
        input_file_id=uploaded(lines(1) + b"{\n").id, endpoint="/v1/chat/completions", completion_window="24h")
    last = ended(broken)
    assert last.status == "failed" and last.errors.data[0].code == "invalid_json_line" and last.errors.data[0].line == 2, last.errors


def batch_cancelled():
    first = created(500)
    assert client().batches.cancel(first.id).status in ("cancelling", "cancelled")
    last = ended(first)
    counts = last.request_counts
    assert last.status == "cancelled" and counts.completed + counts.failed == counts.total, last


def pages_while_others_come():
    """250 batches by pages of 7, each once, while more are made."""
    file = uploaded(lines(1))
    made = [client().batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h").id for _ in range(250)]
    done = threading.Event()

    def more():
        while not done.is_set():
            client().batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    others = threading.Thread(target=more)
    others.start()
    try:
        seen = [one.id for one in client().batches.list(limit=7)]
    finally:
        done.set()
        others.join()
    assert len(seen) == len(set(seen)) and set(made) <= set(seen), f"{len(seen)} seen, {len(set(seen))} different, {len(set(made) - set(seen))} missing"


def background():
    made = client().responses.create(model="chat", input="later", background=True)
    assert made.status in ("queued", "in_progress"), made
    for _ in range(100):
        made = client().responses.retrieve(made.id)
        if made.status not in ("queued", "in_progress"):
            break
        time.sleep(0.1)
    assert made.status == "completed" and made.output_text, made
    events = list(client().responses.retrieve(made.id, stream=True))
    assert events[-1].type == "response.completed" and events[-1].response.id == made.id, events
    later = list(client().responses.retrieve(made.id, stream=True, starting_after=events[0].sequence_number))
    assert [one.sequence_number for one in later] == [one.sequence_number for one in events[1:]], later
    client().responses.delete(made.id)
    try:
        client().responses.retrieve(made.id)
    except openai.NotFoundError:
        return
    raise AssertionError("a deleted response is still found")


def background_windows():
    for window in ("soonest", "2h", "8h", "45m"):
        made = client().responses.create(model="chat", input="later", background=True, extra_body={"background_options": {"completion_window": window}})
        assert made.status in ("queued", "in_progress", "completed"), made
    cancelled = client().responses.cancel(made.id)
    assert cancelled.status in ("cancelled", "completed"), cancelled


class Receiver(http.server.BaseHTTPRequestHandler):
    """Keeps what webhooks bring."""
    events = queue.Queue()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.events.put((body.decode(), dict(self.headers)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *words):
        pass


def unwrapped(secret, about=None):
    """The next event, or the next one about something, checked by the package: batches of other calls may end meanwhile."""
    while True:
        body, headers = Receiver.events.get(timeout=30)
        assert headers.get("webhook-id") or headers.get("Webhook-Id"), headers
        event = client().webhooks.unwrap(body, headers, secret=secret)
        if about is None or event.data.id == about:
            return event


def test_event(secret):
    """The next event that says that a batch has failed: those of batches that ended before may still be on their way."""
    while (event := unwrapped(secret)).type == "batch.completed":
        pass
    return event


def webhooks():
    """Endpoints where the package has calls for them, and events that it verifies."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/hook"
    calls = client().webhooks
    words = {"name": "ops", "url": url, "event_types": ["batch.completed", "batch.failed", "response.completed"]}
    made = calls.create(**words).to_dict() if hasattr(calls, "create") else client().post("/webhook_endpoints", body=words, cast_to=object)
    identity, secret = made["id"], made["signing_secret"]
    first = created(2)
    event = unwrapped(secret, first.id)
    assert event.type == "batch.completed", event
    answer = client().responses.create(model="chat", input="later", background=True)
    event = unwrapped(secret, answer.id)
    assert event.type == "response.completed", event
    if hasattr(calls, "create"):
        assert calls.retrieve(identity).name == "ops" and identity in [one.id for one in calls.list()]
        assert calls.update(identity, name="ops 2", url=url, event_types=["batch.failed"]).name == "ops 2"
        assert "batch.failed" in json.dumps(calls.event_types.list().to_dict())
        calls.test(identity, event_type="batch.failed")
        assert test_event(secret).type == "batch.failed"
        secret = calls.rotate_secret(identity).to_dict()["signing_secret"]
        calls.test(identity, event_type="batch.failed")
        assert test_event(secret).type == "batch.failed"
        calls.delete(identity)
        assert identity not in [one.id for one in calls.list()]
    else:
        client().delete(f"/webhook_endpoints/{identity}", cast_to=object)
    server.shutdown()


if __name__ == "__main__":
    perform(globals(), sys.argv[1:])
