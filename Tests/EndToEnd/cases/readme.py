"""What the README shows is what happens."""
import json
import re
import subprocess

from kit.cases import ROOT, case, python_of
from kit.router import Router, run

README = (ROOT / "README.md").read_text()
SIMULATED = """
backends:
  quick: { api: simulated, latency: { first_token: 10ms }, tokens: { output: 5 }, price: { input: 2.50, cached: 1.25, output: 10.00 } }
models: { chat: { quick: sim-large } }
classes: { realtime: { serve: now, use: [quick] }, batch: { serve: later, use: [quick], deadline: 24h } }
routes: [ { match: { async: true }, class: batch }, { class: realtime } ]
baseline: { backend: quick, model: requested, serve: now }
"""


def blocks(language):
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", README)


def commands(program):
    """The lines that call a program, without their comments."""
    lines = [line.split("  #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.split()[:1] == [program]]


@case("readme-policy", "the README's policy is sound, and no longer than it says")
def policy():
    block, = blocks("yaml")
    assert len(block.splitlines()) <= 17, len(block.splitlines())
    with Router(SIMULATED, start=False) as router:
        path = router.folder / "readme.yaml"
        path.write_text(block)
        said = json.loads(run("check", "--output", "json", str(path)).stdout)
        assert said["ok"], said["diagnostics"]


@case("readme-commands", "the README's make goals and sluice commands exist, and its curl and Python lines do what it says", 120)
def readme_commands():
    goals = (ROOT / "Makefile").read_text()
    for line in commands("make"):
        assert re.search(rf"(?m)^{line.split()[1]}:.*##", goals), f"no goal for `{line}`"
    for line in commands("sluice"):
        words = line.split()
        known = run("help", words[1])
        assert known.returncode == 0 and all(word in known.stdout for word in words[2:] if word.startswith("--")), f"`{line}`: {known.stdout}"
    with Router(SIMULATED) as router:
        def here(text):
            return text.replace("http://127.0.0.1:8080", router.url)
        for line in commands("curl"):
            answer = subprocess.run(["bash", "-c", here(line)], capture_output=True, text=True, timeout=30)
            assert answer.stdout.startswith("HTTP/1.1 202"), answer
        for block in blocks("python"):
            shown = subprocess.run([python_of("sdk-new"), "-c", here(block)], capture_output=True, text=True, timeout=60)
            assert re.match(r"realtime;.* 0\.0\d+;currency=USD", shown.stdout), shown
