"""What an application does with the `anthropic` package, run inside a private virtual environment: anthropic_calls.py NAME...

The address comes from ANTHROPIC_BASE_URL, as applications set it. A function that returns has seen what it expects.
"""
import sys
import time

import anthropic
from anthropic import Anthropic
from perform import perform

HI = [{"role": "user", "content": "hi"}]


def client(**settings):
    return Anthropic(**{"max_retries": 0, "timeout": 30, **settings})


def messages():
    answer = client().messages.create(model="chat", max_tokens=64, messages=HI)
    assert answer.content[0].text and answer.stop_reason == "end_turn" and answer.usage.output_tokens == 20, answer
    assert answer._request_id.startswith("req_"), answer._request_id


def messages_stream():
    with client().messages.stream(model="chat", max_tokens=64, messages=HI) as stream:
        text = "".join(stream.text_stream)
        last = stream.get_final_message()
    assert text and last.content[0].text == text, (text, last)
    assert last.stop_reason == "end_turn" and last.usage.output_tokens == 20 and last.usage.input_tokens > 0, last


def events_in_order():
    kinds = [event.type for event in client().messages.create(model="chat", max_tokens=64, messages=HI, stream=True)]
    assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"], kinds
    assert kinds.count("content_block_delta") == 20, kinds


def count_tokens():
    assert client().messages.count_tokens(model="chat", messages=HI).input_tokens > 0


def models():
    listed = client().models.list(limit=20)
    assert "chat" in [model.id for model in listed.data] and listed.has_more is False, listed
    assert client().models.retrieve("chat").type == "model"


def expect(kind, error_type, call):
    try:
        call()
    except kind as error:
        assert error.body["error"]["type"] == error_type, f"{error.body} instead of {error_type}"
        assert error.body["request_id"] == error.response.headers["request-id"], (error.body, dict(error.response.headers))
        assert error.request_id.startswith("req_"), error.request_id
        return error
    raise AssertionError(f"no {kind.__name__}")


def errors():
    ask = client().messages.create
    expect(anthropic.NotFoundError, "not_found_error", lambda: ask(model="nobody", max_tokens=64, messages=HI))
    expect(anthropic.BadRequestError, "invalid_request_error", lambda: ask(model="chat", max_tokens="many", messages=HI))
    expect(anthropic.BadRequestError, "invalid_request_error",
           lambda: ask(model="chat", max_tokens=64, messages=HI, extra_headers={"Sluice-Class": "nobody"}))


def server_errors():
    # A backend that answers 503 is overloaded in Anthropic's words, and that has a status of its own.
    error = expect(anthropic.APIStatusError, "overloaded_error", lambda: client().messages.create(model="broken", max_tokens=64, messages=HI))
    assert error.status_code == 529, error.status_code


def timeout():
    began = time.monotonic()
    try:
        client(timeout=1.5).messages.create(model="slow", max_tokens=64, messages=HI)
    except (anthropic.APITimeoutError, anthropic.InternalServerError):
        assert time.monotonic() - began < 6, f"gave up after {time.monotonic() - began:.1f} s"
        return
    raise AssertionError("no time-out")


if __name__ == "__main__":
    perform(globals(), sys.argv[1:])
