"""Bytes on a socket and what comes back, for what no client library would send."""
import contextlib
import re
import select
import socket
import time


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"<{self.status} {self.body[:120]!r}>"


class Conversation:
    """One connection to the router. `replies` are the answers that came whole, `rest` what came behind them, `closed` whether it hung up."""

    def __init__(self, port, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received, self.replies, self.closed, self.began = b"", [], False, time.monotonic()
        self.bodiless = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """Sends what the other side takes; that it hangs up is its answer."""
        # Answers to HEAD have a length and no body.
        self.bodiless = data.startswith(b"HEAD ")
        try:
            self.socket.sendall(data)
        except OSError:
            pass
        return self

    def finish(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return self

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def listen(self, patience=10.0, quiet=0.25, until=None):
        """Reads until it hangs up, or is `quiet` behind a whole answer, or `until` answers are there."""
        end = time.monotonic() + patience
        while not self.closed and (left := end - time.monotonic()) > 0:
            if until is not None and len(self.replies) >= until:
                break
            settled = self.replies and not self.received
            if not select.select([self.socket], [], [], min(left, quiet if settled and until is None else left))[0]:
                if settled and until is None:
                    break
                continue
            self.read()
        return self

    def read(self):
        try:
            piece = self.socket.recv(1 << 16)
        except OSError:
            piece = b""
        self.closed = piece == b""
        self.received += piece
        while reply := self.whole():
            self.replies.append(reply)

    def whole(self):
        head, found, rest = self.received.partition(b"\r\n\r\n")
        if not found:
            return None
        lines = head.decode("latin1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if headers.get("transfer-encoding") == "chunked":
            body, end = unchunked(rest)
            if end is None:
                return None
        else:
            end = 0 if self.bodiless or status < 200 or status in (204, 304) else int(headers.get("content-length", 0))
            if len(rest) < end:
                return None
            body = rest[:end]
        self.received = rest[end:]
        return Reply(status, headers, body)

    @property
    def statuses(self):
        return [reply.status for reply in self.replies]


def unchunked(data):
    """The body and where it ends; None while it does not."""
    body, place = b"", 0
    while True:
        line = data.find(b"\r\n", place)
        if line < 0:
            return body, None
        size = int(data[place:line].split(b";")[0], 16)
        place = line + 2
        if size == 0:
            return body, (place + 2 if data[place:place + 2] == b"\r\n" else None)
        if len(data) < place + size + 2:
            return body, None
        body += data[place:place + size]
        place += size + 2


def partial_events(data):
    """The whole events of a chunked answer that may still be under way, head included."""
    _, _, rest = data.partition(b"\r\n\r\n")
    return unchunked(rest)[0]


def request(path, body, headers=(), method="POST"):
    """A request as bytes."""
    body = body if isinstance(body, bytes) else body.encode()
    lines = [f"{method} {path} HTTP/1.1", "host: sluice.test", "content-type: application/json", f"content-length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin1") + body


@contextlib.contextmanager
def silent_host():
    """The port of a listener whose queue is full: whoever knocks hears nothing."""
    with socket.socket() as hole, contextlib.ExitStack() as knocking:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for _ in range(4):
            knock = knocking.enter_context(socket.socket())
            knock.setblocking(False)
            knock.connect_ex(hole.getsockname())
        yield hole.getsockname()[1]


REPEAT = re.compile(rb"<<<(.*?)\*(\d+)>>>", re.DOTALL)


def expanded(data):
    """Corpus files write `<<<text*1000>>>` for a text a thousand times."""
    return REPEAT.sub(lambda match: match.group(1) * int(match.group(2)), data)
