"""Batches, message batches and background responses, as the packages of two generations make them."""
import re

from kit.cases import HERE, case, python_of
from kit.router import Router

from .sdks import call

POLICY = """
backends:
  quick: { api: simulated, latency: { first_token: 2ms, per_token: 0ms }, tokens: { output: 20 }, price: { input: 0.20, output: 0.60 } }
models: { chat: { quick: sim-large } }
classes:
  realtime: { serve: now, use: [quick] }
  batch: { serve: later, use: [quick], deadline: 24h }
routes:
  - { match: { async: true }, class: batch }
  - { class: realtime }
baseline: { backend: quick, model: requested, serve: now }
"""


def made(generation, package):
    script = f"{package}_deferred"
    source = (HERE / "sdk" / f"{script}_calls.py").read_text()
    names = [name for name in re.findall(r"(?m)^def (\w+)\(\):", source)]
    python_of(f"sdk-{generation}")
    with Router(POLICY, server='webhooks: { allow: [127.0.0.1] }') as router:
        call(generation, script, names, router)
    return f"{len(names)} kinds of call: {', '.join(names)}"


for generation, words in (("new", "newest"), ("old", "previous generation's")):
    for package, what in (("openai", "files, batches and background responses"), ("anthropic", "message batches")):
        case(f"deferred-{package}-{generation}", f"the {words} {package} package: {what}", 480, waits=True)(
            lambda generation=generation, package=package: made(generation, package))
