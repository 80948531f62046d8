"""What `sluice doctor` says of a machine, and what a health check hears."""
import datetime
import json
import os
import signal
import subprocess
import tempfile

from kit.cases import case, eventually
from kit.router import PROGRAM, Router, free_port

POLICY = """
backends:
  here: {{ api: simulated, price: {{ input: 2.50, output: 10.00 }} }}
  there: {{ url: "http://127.0.0.1:{}/v1", price: {{ input: 1, output: 2 }} }}
models: {{ chat: {{ here: sim-large, there: own }} }}
classes: {{ realtime: {{ serve: now, use: [here, there] }} }}
routes: [ {{ class: realtime }} ]
baseline: {{ backend: here, model: requested, serve: now }}
"""


def doctor(*arguments):
    done = subprocess.run([PROGRAM, "doctor", *arguments], capture_output=True, text=True, timeout=30, env={**os.environ, "NO_COLOR": "1"})
    return done.returncode, done.stdout


@case("doctor", "doctor names what is wrong and what to do, and --ready follows the server", 60)
def examination():
    with Router(POLICY.format(free_port())) as router:
        place = ["--config", str(router.config), "--data", str(router.data)]
        code, text = doctor(*place, "--output", "json")
        found = json.loads(text)
        checks = {check["name"]: check for check in found["checks"]}
        assert code == 0 and found["ok"], text
        for name in ("policy", "disk space", "disk sync", "database", "clock", "time zones", "server"):
            assert name in checks and checks[name]["detail"], (name, text)
        assert checks["server"]["ok"] and checks["disk sync"]["ok"] is not None, text
        lost = checks["backend there"]
        assert not lost["ok"] and lost["level"] == "warning" and "cannot be reached" in lost["detail"] and lost["fix"], lost
        assert "backend here" not in checks, "a backend inside the program is always there"
        code, text = doctor(*place)
        assert code == 0 and "disk sync" in text and "cannot be reached" in text, text

        assert doctor("--ready", "--data", str(router.data)) == (0, ""), "a server that takes traffic"
        router.process.send_signal(signal.SIGTERM)
        eventually(lambda: doctor("--ready", "--data", str(router.data))[0] == 1, 10, what="a server that has gone")
    with tempfile.TemporaryDirectory() as empty:
        code, text = doctor("--config", empty, "--data", empty + "/none", "--output", "json")
        found = json.loads(text)
        wrong = [check["name"] for check in found["checks"] if not check["ok"] and check["level"] == "error"]
        assert code == 1 and not found["ok"] and "policy" in wrong and "disk space" in wrong, text


@case("doctor-prices", "doctor says how old the prices are, and warns of those that nobody has looked up for a quarter of a year", 60)
def prices():
    policy = "version: 1\n" + POLICY.format(1).replace("output: 2 }", "output: 2, as_of: DAY }")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "policy.yaml")
        today = datetime.date.today()
        for age, word in ((5, str(today - datetime.timedelta(5))), (200, "200 days ago")):
            with open(path, "w") as file:
                file.write(policy.replace("DAY", str(today - datetime.timedelta(age))))
            _, text = doctor("--config", path, "--data", folder, "--output", "json")
            found = {check["name"]: check for check in json.loads(text)["checks"]}["prices"]
            assert found["ok"] is (age == 5) and word in found["detail"] and found["level"] == "warning", found
            assert found["ok"] or "as_of" in found["fix"], found


@case("no-libcurl", "libcurl is loaded for calls over TLS alone: without it a policy that has none is served, and another is refused with what is missing", 60)
def without_libcurl():
    with tempfile.TemporaryDirectory() as folder:
        # In place of the system's: a file that is no library.
        open(os.path.join(folder, "libcurl.so.4"), "w").close()
        with Router(POLICY.format(free_port()), environment={"LD_LIBRARY_PATH": folder}) as router:
            def maps():
                with open(f"/proc/{router.process.pid}/maps") as file:
                    return file.read()
            assert router.chat(max_tokens=1).status == 200 and "libcurl" not in maps()
            router.write(router.policy.replace("http:", "https:"))
            assert router.admin("POST", "/api/reload").status == 200
            eventually(lambda: "libcurl cannot be loaded" in router.said(), 10, what="word of what is missing")
            assert "the old one stays" in router.said() and router.chat(max_tokens=1).status == 200
            router.stop()
            done = subprocess.run(router.command(), env=router.environment, capture_output=True, text=True, timeout=30)
            assert done.returncode == 2 and "libcurl cannot be loaded" in done.stderr and "libcurl4" in done.stderr, done
            place = ["--config", str(router.config), "--data", str(router.data), "--output", "json"]
            done = subprocess.run([PROGRAM, "doctor", *place], env=router.environment, capture_output=True, text=True, timeout=30)
            found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}["libcurl"]
            assert done.returncode == 1 and not found["ok"] and found["fix"], done
            # With the system's own it is served.
            del router.environment["LD_LIBRARY_PATH"]
            router.start()
            assert "libcurl" in maps() and router.chat(max_tokens=1).status == 200
            found = {check["name"]: check for check in json.loads(doctor(*place)[1])["checks"]}["libcurl"]
            assert found["ok"], found
