"""A client that reads streams as they are on the wire."""
import http.client
import json


class Broken(AssertionError):
    """The connection ended before the body did."""


def stream(router, path, body, headers=None, timeout=30):
    """(head, data of each event). The head has the status and the headers in lower case. A body that is cut raises `Broken`.

    An answer that is no stream counts as one event.
    """
    connection = http.client.HTTPConnection("127.0.0.1", router.port, timeout=timeout)
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        head = {"status": answer.status, **{name.lower(): value for name, value in answer.getheaders()}}
        try:
            text = answer.read()
        except (http.client.HTTPException, OSError) as error:
            raise Broken(f"{type(error).__name__} after the head {head}") from None
        if not head.get("content-type", "").startswith("text/event-stream"):
            return head, [text.decode(errors="replace")]
        return head, events(text)
    finally:
        connection.close()


def events(text):
    """The data of each whole event, as WHATWG's text tells it; comments are left out."""
    found, data = [], []
    for line in text.replace(b"\r\n", b"\n").split(b"\n"):
        if not line:
            if data:
                found.append(b"\n".join(data).decode(errors="replace"))
            data = []
        elif line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
    assert not data, f"an event without an end: {data}"
    return found
