#!/usr/bin/env python3
"""Runs the end-to-end cases one after another: run.py [--list] [--rounds N] [BEGINNING OF A NAME ...].

One line for each case. A case that needs something that is missing is skipped and says what; with CI=true that counts as failed.
"""
import argparse
import importlib
import multiprocessing
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
    try:
        note = case.function()
        pipe.send(("ok", note or ""))
    except Skip as missing:
        pipe.send(("skipped", f"needs {missing}"))
    except AssertionError as failure:
        pipe.send(("FAILED", str(failure) or traceback.format_exc()))
    except BaseException:
        pipe.send(("FAILED", traceback.format_exc()))


def judge(case, context):
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=perform, args=(case, theirs))
    process.start()
    theirs.close()
    try:
        outcome = ours.recv() if ours.poll(case.limit * (40 if os.environ.get("SLUICE_TEST_FULL") else 1)) else ("FAILED", f"not over after {case.limit:g} s")
    except EOFError:
        process.join()
        outcome = ("FAILED", f"its process ended with {process.exitcode}")
    end_group(process.pid)
    process.join()
    return outcome


def end_group(group):
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="names the cases and runs none")
    parser.add_argument("--rounds", default="10", help="how often the kill loop kills")
    parser.add_argument("--full", action="store_true", help="with the counts that `promises` name, which takes hours; limits grow with them")
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
    strict = os.environ.get("CI") == "true"
    count = {"ok": 0, "skipped": 0, "FAILED": 0}
    context = multiprocessing.get_context("fork")
    for case in picked:
        began = time.monotonic()
        verdict, note = judge(case, context)
        if verdict == "skipped" and strict:
            verdict, note = "FAILED", note + " (a skip fails where CI=true)"
        count[verdict] += 1
        line = f"{verdict:<8} {case.name:<28} {time.monotonic() - began:5.1f} s  {case.what}"
        print(line + ("" if not note else "\n" + "\n".join("         " + each for each in note.rstrip().splitlines()[-30:])), flush=True)
    print(f"{count['ok']} passed, {count['FAILED']} failed, {count['skipped']} skipped")
    sys.exit(1 if count["FAILED"] or not picked else 0)


if __name__ == "__main__":
    main()
