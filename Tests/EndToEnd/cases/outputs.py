"""What the books print, against the schemas that `sluice schema` gives of it."""
import json

from cases.reconcile import MAP, Books, table
from kit.cases import case
from kit.router import run

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}


def fault(value, schema, more=(), place="it"):
    """What does not fit, or None. Members that the schema does not name are faults too, but for `more` in the objects of a list."""
    if schema is True:
        return None
    if "anyOf" in schema:
        found = [fault(value, each, more, place) for each in schema["anyOf"]]
        return None if None in found else found[0]
    if "const" in schema:
        return None if value == schema["const"] else f"{place} is {value!r}"
    if not isinstance(value, TYPES[schema["type"]]) or (isinstance(value, bool) and schema["type"] != "boolean"):
        return f"{place} is {value!r}, not {schema['type']}"
    if isinstance(value, list):
        return next(filter(None, (fault(each, schema["items"], more, place + "[]") for each in value)), None)
    if isinstance(value, dict):
        if missing := set(schema.get("required", ())) - set(value):
            return f"{place} lacks {sorted(missing)}"
        for name, each in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if inner is None and not (place.endswith("[]") and name in more):
                return f"{place} has `{name}`, which the schema does not know"
            if inner is not None and (found := fault(each, inner, more, f"{place}.{name}")):
                return found
    return None


@case("outputs-money", "what report, ledger, verify, reconcile, recompute and payback print is what their schemas say, name by name")
def money():
    with Books() as books:
        up = books.router
        data = ["--data", str(up.data)]

        def check(name, text, more=()):
            schema = json.loads(run("schema", name).stdout)
            for line in text.splitlines():
                assert (found := fault(json.loads(line), schema, more)) is None, f"{name}: {found}"
        check("ledger", up.run("export", "ledger", *data).stdout)
        check("report", up.run("report", "--output", "json", "--by", "backend,day", *data).stdout, ["backend", "day"])
        check("verify", up.run("audit", "verify", "--output", "json", *data).stdout)
        bill = up.folder / "bill.csv"
        bill.write_text(table(books.day, books.lines))
        arguments = ["audit", "reconcile", "--provider", "openai", "--invoice", str(bill), "--map", MAP, "--output", "json", *data]
        check("reconcile", json.dumps(json.loads(up.run(*arguments).stdout)))
        check("recompute", up.run("audit", "recompute", "--config", str(up.config), "--output", "json", *data).stdout)
        check("payback", json.dumps(json.loads(up.run("report", "payback", "--config", str(up.config), "--output", "json", *data).stdout)))
        assert fault({"schema": "sluice.verify/v1", "ok": 1}, json.loads(run("schema", "verify").stdout)), "the comparison itself sees faults"
