"""What an application does with the `openai` package, run inside a private virtual environment: openai_calls.py NAME...

The address comes from OPENAI_BASE_URL, as applications set it. A function that returns has seen what it expects.
"""
import sys
import time

import openai
from openai import OpenAI
from perform import perform

HI = [{"role": "user", "content": "hi"}]


def client(**settings):
    return OpenAI(**{"max_retries": 0, "timeout": 30, **settings})


def chat():
    answer = client().chat.completions.create(model="chat", messages=HI)
    assert answer.choices[0].message.content and answer.choices[0].finish_reason == "stop", answer
    assert answer.usage.completion_tokens == 20 and answer.usage.total_tokens == answer.usage.prompt_tokens + 20, answer.usage
    assert answer._request_id.startswith("req_"), answer._request_id


def chat_stream():
    words, usage = [], "none seen"
    for piece in client().chat.completions.create(model="chat", messages=HI, stream=True):
        words += [choice.delta.content for choice in piece.choices if choice.delta.content]
        assert piece.usage is None, "usage that nobody asked for"
    assert len(words) == 20, words
    pieces = list(client().chat.completions.create(model="chat", messages=HI, stream=True, stream_options={"include_usage": True}))
    assert pieces[-1].usage.completion_tokens == 20 and not pieces[-1].choices, pieces[-1]
    assert all(piece.usage is None for piece in pieces[:-1])


def chat_left_early():
    stream = client().chat.completions.create(model="chat", messages=HI, stream=True)
    next(iter(stream))
    stream.close()
    chat()


def completions():
    answer = client().completions.create(model="chat", prompt="hi")
    assert answer.choices[0].text and answer.usage.completion_tokens == 20, answer


def embeddings():
    answer = client().embeddings.create(model="chat", input=["hi", "ho"])
    assert len(answer.data) == 2 and answer.data[1].index == 1, f"{len(answer.data)} embeddings for two inputs"
    assert all(isinstance(number, float) for number in answer.data[0].embedding) and answer.usage.prompt_tokens > 0, answer


def responses():
    answer = client().responses.create(model="chat", input="hi")
    assert answer.output_text and answer.status == "completed" and answer.usage.output_tokens > 0, answer


def responses_stream():
    events = list(client().responses.create(model="chat", input="hi", stream=True))
    assert events[0].type == "response.created" and events[-1].type == "response.completed", [event.type for event in events]
    assert [event.sequence_number for event in events] == list(range(len(events))), "a gap in sequence_number"
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text and events[-1].response.output_text == text, (text, events[-1].response)
    assert events[-1].response.usage.output_tokens > 0


def models():
    listed = client().models.list()
    assert "chat" in [model.id for model in listed], listed
    assert client().models.retrieve("chat").id == "chat"
    assert client().models.retrieve("org/odd:name").id == "org/odd:name", "ids with slash and colon"
    expect(openai.NotFoundError, "model_not_found", lambda: client().models.retrieve("nobody"))


def expect(kind, code, call, source="gateway"):
    try:
        call()
    except kind as error:
        assert error.code == code, f"code {error.code!r} instead of {code!r}: {error}"
        assert error.request_id and error.request_id.startswith("req_"), f"request id {error.request_id!r}"
        assert error.response.headers["sluice-error-source"] == source, dict(error.response.headers)
        return error
    raise AssertionError(f"no {kind.__name__}")


def errors():
    ask = client().chat.completions.create
    error = expect(openai.NotFoundError, "model_not_found", lambda: ask(model="chatt", messages=HI))
    assert "`chat`" in str(error), f"no near name in {error}"
    expect(openai.BadRequestError, "invalid_request", lambda: ask(model=7, messages=HI))
    expect(openai.BadRequestError, "invalid_request", lambda: ask(model="chat", messages=HI, stream="yes"))
    expect(openai.BadRequestError, "invalid_request", lambda: ask(model="chat", messages=HI, extra_headers={"Sluice-Class": "nobody"}))
    expect(openai.BadRequestError, "invalid_request", lambda: ask(model="chat", messages=HI, extra_headers={"Sluice-Latency-Budget": "soon"}))
    expect(openai.UnprocessableEntityError, "max_cost_exceeded", lambda: ask(model="chat", messages=HI, extra_headers={"Sluice-Max-Cost": "0.0000001"}))


def server_errors():
    expect(openai.InternalServerError, "upstream_failed", lambda: client().chat.completions.create(model="broken", messages=HI),
           source="upstream")


def timeout():
    began = time.monotonic()
    try:
        client(timeout=1.5).chat.completions.create(model="slow", messages=HI)
    except (openai.APITimeoutError, openai.InternalServerError):
        assert time.monotonic() - began < 6, f"gave up after {time.monotonic() - began:.1f} s"
        return
    raise AssertionError("no time-out")


def retried():
    """Against a backend that answers the first call with 429: the package asks again by itself."""
    answer = client(max_retries=2).chat.completions.create(model="chat", messages=HI)
    assert answer.choices[0].message.content == "hi", answer


def raw_headers():
    raw = client().chat.completions.with_raw_response.create(model="chat", messages=HI)
    assert raw.headers["sluice-route"].startswith("realtime;"), raw.headers["sluice-route"]
    assert float(raw.headers["sluice-cost"].split(";")[0]) > 0, raw.headers["sluice-cost"]
    assert raw.parse().choices, raw


def tools_pass():
    """Fields that Sluice does not know go through as they are."""
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    answer = client().chat.completions.create(
        model="chat", messages=HI, tools=[tool], tool_choice="auto", seed=7, metadata={"job": "eval"}, extra_body={"top_k": 4})
    assert answer.choices, answer


if __name__ == "__main__":
    perform(globals(), sys.argv[1:])
