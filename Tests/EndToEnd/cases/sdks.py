"""The packages that applications use, two generations of each, against simulated backends."""
import os
import re
import subprocess

from kit.cases import HERE, case, python_of
from kit.router import Router
from kit.upstream import Upstream, chat, failure, first_then

POLICY = """
backends:
  quick: { api: simulated, latency: { first_token: 20ms, per_token: 2ms }, tokens: { output: 20 }, price: { input: 2.50, cached: 0.25, output: 10.00 } }
  slow: { api: simulated, latency: { first_token: 20s }, tokens: { output: 20 }, price: { input: 0.20, output: 0.60 } }
  broken: { api: simulated, fail: 100%, price: { input: 0.20, output: 0.60 } }
models:
  chat: { quick: sim-large }
  slow: { slow: sim-large }
  broken: { broken: sim-large }
  "org/odd:name": { quick: sim-large }
classes:
  realtime: { serve: now, use: [quick, slow, broken] }
routes:
  - { class: realtime }
baseline: { backend: quick, model: requested, serve: now }
"""
SCRIPTED = """
backends:
  first: {{ url: "{url}", price: {{ input: 2.50, output: 10.00 }} }}
models: {{ chat: {{ first: large }} }}
classes: {{ realtime: {{ serve: now, use: [first] }} }}
routes: [ {{ class: realtime }} ]
baseline: {{ backend: first, model: requested, serve: now }}
"""


def call(generation, package, names, router):
    """Importing a package takes longer than calling it, so one process makes all calls."""
    environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    environment.update(
        OPENAI_BASE_URL=f"{router.url}/v1", OPENAI_API_KEY="any", ANTHROPIC_BASE_URL=router.url, ANTHROPIC_API_KEY="any", NO_PROXY="127.0.0.1")
    script = HERE / "sdk" / f"{package}_calls.py"
    done = subprocess.run([python_of(f"sdk-{generation}"), script, *names], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr.strip()[-3000:]


def simulated(generation, package):
    source = (HERE / "sdk" / f"{package}_calls.py").read_text()
    names = [name for name in re.findall(r"(?m)^def (\w+)\(\):", source) if name != "retried"]
    python_of(f"sdk-{generation}")
    with Router(POLICY) as router:
        call(generation, package, names, router)
    return f"{len(names)} kinds of call: {', '.join(names)}"


def retried(generation):
    python_of(f"sdk-{generation}")
    upstream = Upstream(first_then(failure(429, "slow down", retry_after="1"), chat()))
    with Router(SCRIPTED.format(url=upstream.url)) as router:
        call(generation, "openai", ["retried"], router)
    assert len(upstream.posts()) == 2, f"{len(upstream.posts())} calls reached the backend"


for generation, which in (("new", "newest"), ("old", "previous generation's")):
    for package in ("openai", "anthropic"):
        case(f"{package}-{generation}", f"the {which} {package} package sees what it expects", 120)(
            lambda generation=generation, package=package: simulated(generation, package))
    case(f"openai-{generation}-retry", f"a retry of the {which} openai package reaches the backend once more, and no third time", 60)(
        lambda generation=generation: retried(generation))
