"""`sluice demo`, the first thing that anybody runs."""
from kit.cases import case
from kit.router import run


@case("demo", "the demo ends by itself in a minute, shows live and patient requests and what was saved", 120, waits=True)
def demo():
    done = run("demo", timeout=100)
    assert done.returncode == 0, (done.returncode, done.stderr[-800:])
    for word in ("premium", "cheap", "saved", "baseline"):
        assert word in done.stdout.lower(), f"no word of `{word}`:\n{done.stdout}"
