#!/usr/bin/env python3
"""Compares the scanner's verdict on JSON texts with Python's parser: `sluice-fuzz-probe --bodies | agree.py`. Exits 1 on a difference."""
import base64
import json
import sys


def deepest(value):
    """Levels of nesting, without recursion."""
    level, deepest_level = [(value, 1)], 0
    while level:
        value, depth = level.pop()
        if isinstance(value, dict):
            children = value.values()
        elif isinstance(value, list):
            children = value
        else:
            continue
        deepest_level = max(deepest_level, depth)
        level.extend((child, depth + 1) for child in children)
    return deepest_level


def holds_surrogates(value):
    rest = [value]
    while rest:
        value = rest.pop()
        if isinstance(value, str):
            if any("\ud800" <= letter <= "\udfff" for letter in value):
                return True
        elif isinstance(value, Pairs):
            rest.extend(part for pair in value.pairs for part in pair)
        elif isinstance(value, list):
            rest.extend(value)
    return False


class Pairs(dict):
    """An object with all its members, also those of the same name."""

    def __init__(self, pairs):
        super().__init__(enumerate(value for _, value in pairs))
        self.pairs = pairs


def refuse(word):
    raise ValueError(word)


def is_json(text):
    try:
        value = json.loads(text.decode("utf-8"), parse_constant=refuse, parse_int=str, parse_float=float, object_pairs_hook=Pairs)
    except (ValueError, RecursionError):
        return False
    return deepest(value) <= 100 and not holds_surrogates(value)


def main():
    sys.setrecursionlimit(5000)
    count = good = 0
    for line in sys.stdin:
        verdict, _, encoded = line.strip().partition(" ")
        text = base64.b64decode(encoded)
        count += 1
        good += verdict == "1"
        if is_json(text) != (verdict == "1"):
            sys.exit(f"text {count}: the scanner says {'JSON' if verdict == '1' else 'no JSON'}, Python does not: {text[:2000]!r}")
    print(f"{count} texts, {good} of them JSON: Python agrees on all")
    sys.exit(0 if count else 1)


if __name__ == "__main__":
    main()
