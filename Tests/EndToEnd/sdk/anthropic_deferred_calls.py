"""What a batch client does with the `anthropic` package, run inside a private virtual environment: anthropic_deferred_calls.py NAME..."""
import sys
import time

import anthropic
from anthropic import Anthropic
from perform import perform


def client(**settings):
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
