"""The list of cases. A case is a function that returns when all is well, and raises AssertionError when it is not."""
import dataclasses
import os
import pathlib
import shutil
import time

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent


class Skip(Exception):
    """Something that the case needs is missing; the message names it."""


@dataclasses.dataclass
class Case:
    name: str
    what: str
    function: object
    limit: float
    waits: bool


CASES = []


def case(name, what, limit=60, waits=False):
    """Declares a case. `limit`: seconds after which it is ended and counts as failed. `waits`: it mostly waits, so it may run beside others
    of its kind; one that measures time or loads the machine runs alone.
    """
    def declare(function):
        CASES.append(Case(name, what, function, limit, waits))
        return function
    return declare


def python_of(environment):
    """The interpreter of a private virtual environment that `environments` made."""
    path = ROOT / f".venv-{environment}" / "bin" / "python"
    if not path.exists():
        needed = (HERE / "requirements" / f"{environment}.txt").read_text().split()
        raise Skip(f"PyPI packages {', '.join(needed)} (Tests/EndToEnd/environments {environment})")
    return path


def need_program(name, package):
    if not shutil.which(name):
        raise Skip(f"the program {name} (Debian's {package})")
    return name


def eventually(look, limit=10.0, every=0.05, what="it"):
    """Looks again and again, and gives what it saw at last; a case has no other way to wait."""
    end = time.monotonic() + limit
    while True:
        if seen := look():
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {limit:g} s")
        time.sleep(every)


def scaled(small, full):
    """How much of something: little by default, all of it for `make promises`."""
    return full if os.environ.get("SLUICE_TEST_FULL") else small


def rounds():
    """How often the kill loop kills."""
    return int(os.environ.get("SLUICE_TEST_ROUNDS", "10"))
