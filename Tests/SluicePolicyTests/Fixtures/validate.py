#!/usr/bin/env python3
"""validate.py SCHEMA PATH…: exit 1 where a policy (all *.yaml below a folder) breaks the JSON Schema. YAML is read as editors do: 1.2, keys are text."""
import json, pathlib, re, sys, yaml, jsonschema


class Loader(yaml.SafeLoader): pass
Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (("bool", "true|false", "tf"), ("null", "~|null|", "~n"), ("int", "[-+]?[0-9]+", "-+0123456789"), ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"), ("merge", "<<", "<")):
    Loader.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(f"^(?:{pattern})$"), list(first) + ([""] if tag == "null" else []))


def text_keys(x):
    if isinstance(x, dict): return {str(k).lower() if isinstance(k, bool) else str(k): text_keys(v) for k, v in x.items()}
    return [text_keys(v) for v in x] if isinstance(x, list) else x


schema = json.load(open(sys.argv[1])); jsonschema.Draft7Validator.check_schema(schema); validator = jsonschema.Draft7Validator(schema)
paths = [f for p in map(pathlib.Path, sys.argv[2:]) for f in (sorted(p.rglob("*.yaml")) if p.is_dir() else [p])]
errors = [f"{f}: {list(e.absolute_path)}: {e.message[:200]}" for f in paths for e in validator.iter_errors(text_keys(yaml.load(f.read_bytes(), Loader)))]
print("\n".join(errors)); sys.exit(bool(errors))
