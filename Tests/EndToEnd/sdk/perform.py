"""Runs the named functions of a script, all of them, and says which fell short."""
import sys


def perform(functions, names):
    fallen = 0
    for name in names:
        try:
            functions[name]()
        except Exception as error:
            fallen += 1
            print(f"{name}: {type(error).__name__}: {str(error)[:500]}", file=sys.stderr)
    sys.exit(1 if fallen else 0)
