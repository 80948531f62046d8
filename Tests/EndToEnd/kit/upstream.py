"""A scripted backend that keeps its own books: every call that arrives is written down before a byte is answered.

An answer is a generator over a `Call`. What it yields is done in order: bytes are sent, a number is a pause in seconds (which ends early when the caller
leaves), CUT and RESET break the connection. When it is exhausted the connection is kept.
"""
import contextlib
import itertools
import json
import socket
import struct
import threading
import time

CUT, RESET = object(), object()


class Call:
    """One request as it arrived, and what became of it."""

    def __init__(self, number, method, path, headers, body):
        self.number, self.method, self.path, self.headers, self.raw = number, method, path, headers, body
        try:
            self.json = json.loads(body) if body else {}
        except ValueError:
            self.json = {}
        self.id = None          # what the answer calls itself
        self.usage = None       # (input tokens, output tokens) that would be billed
        self.tokens = 0         # output tokens sent so far
        self.end = None         # "whole", "left" (the caller went away), "broken" (by the script)
        self.began = time.monotonic()
        self.ended = None       # when, by time.monotonic()

    @property
    def text(self):
        """The last thing the user said."""
        messages = self.json.get("messages") or [{}]
        return messages[-1].get("content", "")


class Upstream:
    """Serves on 127.0.0.1. `answer` may be replaced while it runs."""

    def __init__(self, answer=None):
        self.answer = answer or chat()
        self.calls, self.lock, self.connections = [], threading.Lock(), 0
        self.isClosed, self.idle = False, set()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def close(self):
        """Goes away: nobody can connect any more, and what is under way is answered before its connection is closed."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        # At once: a connection that outlived this would be closed in the face of the next request on it, whose fate nobody could tell.
        with self.lock:
            self.isClosed = True
            for connection in self.idle:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def posts(self):
        with self.lock:
            return [call for call in self.calls if call.method == "POST"]

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as reader:
            try:
                while (call := self._next(connection, reader)) and self._play(connection, call):
                    pass
            except (OSError, ValueError):
                pass

    def _next(self, connection, reader):
        """The next call on the connection, or None when either side has had enough."""
        with self.lock:
            if self.isClosed:
                return None
            self.idle.add(connection)
        try:
            return self._read(reader)
        finally:
            with self.lock:
                self.idle.discard(connection)

    def _read(self, reader):
        first = reader.readline(65536)
        if not first.strip():
            return None
        method, path, _ = first.decode("latin1").split(" ", 2)
        headers = {}
        while (line := reader.readline(65536).strip()):
            name, _, value = line.decode("latin1").partition(":")
            headers[name.strip().lower()] = value.strip()
        if "chunked" in headers.get("transfer-encoding", ""):
            body = b""
            while (size := int(reader.readline().split(b";")[0], 16)):
                body += reader.read(size)
                reader.readline()
            while reader.readline().strip():
                pass
        else:
            body = reader.read(int(headers.get("content-length", 0)))
        with self.lock:
            call = Call(len(self.calls), method, path, headers, body)
            self.calls.append(call)
        return call

    def _play(self, connection, call):
        """Whether the connection may be used again."""
        for step in self.answer(call):
            try:
                call.ended = time.monotonic()
                if step is CUT or step is RESET:
                    call.end = "broken"
                    if step is RESET:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return False
                if isinstance(step, bytes):
                    connection.sendall(step)
                elif not stays(connection, step):
                    return self._left(call)
            except OSError:
                return self._left(call)
        call.end, call.ended = "whole", time.monotonic()
        return True

    @staticmethod
    def _left(call):
        call.end, call.ended = "left", time.monotonic()
        return False


def stays(connection, seconds):
    """Waits, and says whether the caller is still there."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        connection.settimeout(left)
        try:
            return connection.recv(1, socket.MSG_PEEK) != b"" and (time.sleep(left) or True)
        except TimeoutError:
            return True
        finally:
            connection.settimeout(None)
    return True


# --- answers in OpenAI's chat dialect

numbers = itertools.count(1)


def whole(status, body, **headers):
    """A whole JSON answer."""
    text = json.dumps(body).encode()
    lines = {"content-type": "application/json", "content-length": str(len(text)), **{k.replace("_", "-"): v for k, v in headers.items()}}
    head = f"HTTP/1.1 {status} Scripted\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    return head.encode() + text


def failure(status, message="scripted", **headers):
    """Answers every call with an error."""
    def answer(call):
        kind = "invalid_request_error" if status < 500 else "server_error"
        yield whole(status, {"error": {"message": message, "type": kind, "param": None, "code": None}}, **headers)
    return answer


def first_then(first, then):
    """The first call gets one answer, all later ones another."""
    calls = itertools.count()
    return lambda call: (first if next(calls) == 0 else then)(call)


def chunk(text):
    data = f"data: {text}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


def chat(tokens=20, first=0.0, gap=0.0, prompt=100, word=None):
    """Chat completions, streamed or whole as asked. `call.usage` holds what would be billed, `call.tokens` what was sent."""
    def answer(call):
        if call.method == "GET":
            yield whole(200, {"object": "list", "data": [{"id": "m", "object": "model"}]})
            return
        call.id = f"chatcmpl-{next(numbers)}"
        call.usage = (prompt, tokens)
        model = call.json.get("model", "m")
        usage = {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}
        if first:
            yield first
        if not call.json.get("stream"):
            message = {"role": "assistant", "content": call.text if word is None else word * tokens}
            call.tokens = tokens
            yield whole(200, {"id": call.id, "object": "chat.completion", "created": 1, "model": model, "usage": usage,
                              "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
            return

        def part(delta, finish=None, choices=True, **more):
            choice = [{"index": 0, "delta": delta, "finish_reason": finish}] if choices else []
            return chunk(json.dumps({"id": call.id, "object": "chat.completion.chunk", "created": 1, "model": model, "choices": choice, **more}))

        yield b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        yield part({"role": "assistant", "content": ""})
        for _ in range(tokens):
            if gap:
                yield gap
            yield part({"content": word or "word "})
            call.tokens += 1
        yield part({}, "stop")
        if (call.json.get("stream_options") or {}).get("include_usage"):
            yield part({}, choices=False, usage=usage)
        yield chunk("[DONE]") + b"0\r\n\r\n"
    return answer
