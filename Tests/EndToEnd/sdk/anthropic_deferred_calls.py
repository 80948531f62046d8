"""What a batch client does with the `anthropic` package, run inside a private virtual environment: anthropic_deferred_calls.py NAME..."""
import functools
import sys
import threading
import time

import anthropic
from anthropic import Anthropic
from perform import perform


@functools.cache
def client(**settings):
    """One for each set of settings: to make one takes longer than most calls."""
    return Anthropic(**{"max_retries": 0, "timeout": 30, **settings})


def requests(count):
    return [{"custom_id": f"entry-{i}", "params": {"model": "chat", "max_tokens": 16, "messages": [{"role": "user", "content": f"text {i}"}]}}
            for i in range(count)]


def ended(batch):
    for _ in range(300):
        batch = client().messages.batches.retrieve(batch.id)
        if batch.processing_status == "ended":
            return batch
        time.sleep(0.1)
    raise AssertionError(f"the batch stays {batch.processing_status}")


def message_batch():
    made = client().messages.batches.create(requests=requests(30))
    assert made.processing_status == "in_progress" and made.request_counts.processing == 30 and made.results_url is None, made
    last = ended(made)
    assert last.request_counts.succeeded == 30 and last.request_counts.processing == 0, last
    reader = client()
    results = {one.custom_id: one.result for one in reader.messages.batches.results(made.id)}
    assert len(results) == 30 and all(one.type == "succeeded" and one.message.content[0].text for one in results.values()), results
    assert client().messages.batches.delete(made.id).id == made.id
    try:
        client().messages.batches.retrieve(made.id)
    except anthropic.NotFoundError:
        return
    raise AssertionError("a deleted batch is still found")


def message_batch_cancelled():
    made = client().messages.batches.create(requests=requests(400))
    assert client().messages.batches.cancel(made.id).processing_status in ("canceling", "ended")
    counts = ended(made).request_counts
    assert counts.succeeded + counts.canceled + counts.errored == 400, counts


def message_batch_pages():
    made = {client().messages.batches.create(requests=requests(1)).id for _ in range(25)}
    seen = [one.id for one in client().messages.batches.list(limit=4)]
    assert len(seen) == len(set(seen)) and made <= set(seen), seen
    newest = client().messages.batches.list(limit=5)
    assert newest.has_more and newest.first_id == newest.data[0].id and newest.last_id == newest.data[-1].id, newest
    before = [one.id for one in client().messages.batches.list(limit=2, before_id=newest.data[3].id)]
    assert sorted(before) == sorted(one.id for one in newest.data[:3]), before


def message_batch_pages_while_others_come():
    """250 batches by pages of 7, each once, while more are made."""
    made = {client().messages.batches.create(requests=requests(1)).id for _ in range(250)}
    done = threading.Event()

    def more():
        while not done.is_set():
            client().messages.batches.create(requests=requests(1))
    others = threading.Thread(target=more)
    others.start()
    try:
        seen = [one.id for one in client().messages.batches.list(limit=7)]
    finally:
        done.set()
        others.join()
    assert len(seen) == len(set(seen)) and made <= set(seen), f"{len(seen)} seen, {len(set(seen))} different, {len(made - set(seen))} missing"


def message_batch_beta():
    """The calls under `beta`, which ask with `?beta=true`."""
    if not hasattr(client().beta.messages, "batches"):
        return
    calls = client().beta.messages.batches
    made = calls.create(requests=requests(3))
    for _ in range(300):
        if calls.retrieve(made.id).processing_status == "ended":
            break
        time.sleep(0.1)
    assert {one.custom_id for one in calls.results(made.id)} == {f"entry-{i}" for i in range(3)}
    assert made.id in [one.id for one in calls.list(limit=100)]
    calls.delete(made.id)


def message_batch_refused():
    for wrong in ({"custom_id": "a b"}, {"custom_id": ""}, {"custom_id": "x" * 65}):
        try:
            client().messages.batches.create(requests=[{**requests(1)[0], **wrong}])
        except anthropic.BadRequestError as error:
            assert "custom_id" in str(error), error
        else:
            raise AssertionError(f"taken: {wrong}")


if __name__ == "__main__":
    perform(globals(), sys.argv[1:])
