#!/usr/bin/env python3
"""Runs the end-to-end cases: run.py [--list] [--rounds N] [--beside N] [BEGINNING OF A NAME ...].

Those that mostly wait run first and side by side, then those that measure time or load the machine, one after another. One line for each case,
as it ends. A case that needs something that is missing is skipped and says what; with CI=true that counts as failed.
"""
import argparse
import contextlib
import importlib
import multiprocessing.connection
import os
import pathlib
import signal
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from kit.cases import CASES, Skip  # noqa: E402
from kit.router import PROGRAM  # noqa: E402


def perform(case, pipe):
    """In a process and a group of its own, so that whatever a case leaves behind can be ended with it."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        note = case.function()
        pipe.send(("ok", note or ""))
    except Skip as missing:
        pipe.send(("skipped", f"needs {missing}"))
    except AssertionError as failure:
        pipe.send(("FAILED", str(failure) or traceback.format_exc()))
    except BaseException:
        pipe.send(("FAILED", traceback.format_exc()))


class Running:
    """A case under way."""

    def __init__(self, case):
        context = multiprocessing.get_context("fork")
        self.case, self.began = case, time.monotonic()
        self.end = self.began + case.limit * (40 if os.environ.get("SLUICE_TEST_FULL") else 1)
        self.pipe, theirs = context.Pipe(duplex=False)
        self.process = context.Process(target=perform, args=(case, theirs))
        self.process.start()
        theirs.close()

    def outcome(self):
        """What became of it; None while it runs within its limit."""
        if not self.pipe.poll():
            return ("FAILED", f"not over after {self.case.limit:g} s") if time.monotonic() >= self.end else None
        try:
            return self.pipe.recv()
        except EOFError:
            self.process.join()
            return ("FAILED", f"its process ended with {self.process.exitcode}")

    def close(self):
        """Ends its process with everything that it left behind."""
        for end in (lambda: os.killpg(self.process.pid, signal.SIGKILL), self.process.kill):
            try:
                end()
            except ProcessLookupError:
                pass
        self.process.join()
        self.pipe.close()


def played(cases, places):
    """Runs cases, as many at once as there are places; gives each with what became of it and how long it took, as it ends."""
    waiting, running = list(cases), []
    try:
        while waiting or running:
            while waiting and len(running) < places:
                running.append(Running(waiting.pop(0)))
            until = max(0, min(one.end for one in running) - time.monotonic())
            multiprocessing.connection.wait([one.pipe for one in running], until)
            for one in list(running):
                if outcome := one.outcome():
                    running.remove(one)
                    one.close()
                    yield one.case, outcome, time.monotonic() - one.began
    finally:
        for one in running:
            one.close()


def told(case, outcome, seconds):
    """Prints what became of a case, and gives the verdict."""
    verdict, note = outcome
    if verdict == "skipped" and os.environ.get("CI") == "true":
        verdict, note = "FAILED", note + " (a skip fails where CI=true)"
    line = f"{verdict:<8} {case.name:<28} {seconds:5.1f} s  {case.what}"
    print(line + ("" if not note else "\n" + "\n".join("         " + each for each in note.rstrip().splitlines()[-30:])), flush=True)
    return verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="names the cases and runs none")
    parser.add_argument("--rounds", default="10", help="how often the kill loop kills")
    parser.add_argument("--full", action="store_true", help="with the counts that `promises` name, which takes hours; limits grow with them")
    parser.add_argument("--beside", type=int, default=4, help="how many of the cases that mostly wait run at once")
    parser.add_argument("names", nargs="*", help="beginnings of names; all cases without one")
    options = parser.parse_args()
    if options.full:
        os.environ["SLUICE_TEST_FULL"] = "1"
    for file in sorted((HERE / "cases").glob("*.py")):
        importlib.import_module(f"cases.{file.stem}")
    picked = [case for case in CASES if not options.names or any(case.name.startswith(name) for name in options.names)]
    if options.list:
        for case in picked:
            print(f"{case.name:<28} {case.what}")
        return
    if not pathlib.Path(PROGRAM).exists():
        sys.exit(f"no {PROGRAM}: `make end-to-end` builds it")
    os.environ["SLUICE_TEST_ROUNDS"] = options.rounds
    # So that what ends this run ends its cases too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    count = {"ok": 0, "skipped": 0, "FAILED": 0}
    began = time.monotonic()
    for places, cases in [(options.beside, [case for case in picked if case.waits]), (1, [case for case in picked if not case.waits])]:
        with contextlib.closing(played(cases, places)) as ends:
            for end in ends:
                count[told(*end)] += 1
    print(f"{count['ok']} passed, {count['FAILED']} failed, {count['skipped']} skipped, in {time.monotonic() - began:.0f} s")
    sys.exit(1 if count["FAILED"] or not picked else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
