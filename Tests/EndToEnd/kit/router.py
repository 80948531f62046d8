"""A router of the case's own: policy, data folder, ports; started, talked to, killed."""
import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

from .cases import ROOT, eventually, need_program

PROGRAM = os.environ.get("SLUICE", str(ROOT / ".build" / "debug" / "sluice"))


GIVEN = set()


@contextlib.contextmanager
def certificate():
    """The files of a certificate for 127.0.0.1 that vouches for itself, and of its key."""
    need_program("openssl", "openssl")
    with tempfile.TemporaryDirectory(prefix="sluice-end-to-end-") as folder:
        files = f"{folder}/certificate.pem", f"{folder}/key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=sluice.test",
             "-addext", "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
        yield files


def free_port():
    """A free port below the range from which outgoing connections take theirs, another one each time: nobody listens on it yet."""
    for _ in range(200):
        with socket.socket() as probe:
            port = random.randrange(12000, 32000)
            if port in GIVEN:
                continue
            try:
                probe.bind(("127.0.0.1", port))
                GIVEN.add(port)
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers}
        try:
            self.json = json.loads(body)
        except ValueError:
            self.json = None

    @property
    def error(self):
        """The inner object of an error in OpenAI's envelope."""
        return (self.json or {}).get("error") or {}

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Router:
    """`policy`: YAML text without `version` and `server`, which are written here. Ends its process when the block ends."""

    def __init__(self, policy, *, server="", data=None, arguments=(), environment=None, start=True):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-end-to-end-"))
        self.config = self.folder / "policies"
        self.config.mkdir()
        self.data = pathlib.Path(data) if data else self.folder / "data"
        self.port, self.admin_port = free_port(), free_port()
        self.server, self.arguments = server, list(arguments)
        # Strict: work for an event loop that is gone ends the program, where it would be a line in its log.
        self.environment = {**os.environ, "NO_COLOR": "1", "SWIFTNIO_STRICT": "1", **(environment or {})}
        self.write(policy)
        self.process = None
        self.was_ready = False
        self.log = open(self.folder / "log", "ab")
        if start:
            self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def write(self, policy):
        self.policy = policy
        more = f", {self.server}" if self.server else ""
        head = f"version: 1\nserver: {{ listen: 127.0.0.1:{self.port}, admin: 127.0.0.1:{self.admin_port}{more} }}\n"
        (self.config / "policy.yaml").write_text(head + policy)

    def command(self):
        return [PROGRAM, "serve", "--config", str(self.config), "--data", str(self.data), *self.arguments]

    def start(self, limit=30):
        self.process = subprocess.Popen(
            self.command(), env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

        def ready():
            if self.process.poll() is not None:
                if not self.was_ready and "Address already in use" in self.said():
                    return "taken"
                raise AssertionError(f"serve ended with {self.process.returncode}: {self.said()}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/readyz", timeout=2) as answer:
                    return answer.status == 200
            except OSError:
                return False
        try:
            found = eventually(ready, limit, what="readiness")
        except AssertionError as error:
            raise AssertionError(f"{error}; it says {self.said()!r}") from None
        if found == "taken":
            # Somebody else on this machine was quicker: other ports.
            self.port, self.admin_port = free_port(), free_port()
            self.write(self.policy)
            self.log.truncate(0)
            return self.start(limit)
        self.was_ready = True
        return self

    def said(self):
        return (self.folder / "log").read_text(errors="replace")[-1500:]

    def kill(self):
        """Ends the process as a power button would, for the process."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, limit=20):
        """Ends it as an operator would, and gives its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there {limit} s after SIGTERM") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.kill()
        self.log.close()
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- as a client

    def request(self, method, path, body=None, headers=None, timeout=30, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=timeout)
        try:
            text = json.dumps(body) if isinstance(body, (dict, list)) else body
            connection.request(method, path, text, {"content-type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def chat(self, text="hi", model="chat", headers=None, timeout=30, **more):
        body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
        return self.request("POST", "/v1/chat/completions", body, headers, timeout)

    def admin(self, method, path, body=None):
        return self.request(method, path, body, port=self.admin_port)

    # --- as an operator

    def run(self, *arguments, expect=0, timeout=60, text=None):
        done = run(*arguments, environment=self.environment, timeout=timeout, text=text)
        assert done.returncode == expect, f"sluice {' '.join(arguments)} exited {done.returncode}: {(done.stderr or done.stdout)[-800:]}"
        return done

    def ledger(self):
        """Every entry of the ledger, as `export ledger` gives it."""
        return [json.loads(line) for line in self.run("export", "ledger", "--data", str(self.data)).stdout.splitlines()]

    def closed(self, count=None, limit=10):
        """The entries that close an attempt; waits until there are `count`."""
        def look():
            entries = [entry for entry in self.ledger() if entry["kind"] in ("settled", "waste", "in_doubt")]
            return entries if count is None or len(entries) >= count else None
        try:
            return eventually(look, limit, 0.2, f"{count} closed attempts in the ledger")
        except AssertionError as error:
            raise AssertionError(f"{error}; there are {len(self.ledger())} entries") from None


def run(*arguments, environment=None, timeout=60, text=None):
    """One run of the program's other commands."""
    return subprocess.run(
        [PROGRAM, *arguments], env=environment or {**os.environ, "NO_COLOR": "1"}, capture_output=True, text=True, input=text, timeout=timeout)
