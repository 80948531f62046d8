"""What the books print, against the schemas that `sluice schema` gives of it."""
import json

from cases.batch_corpus import batch_of, ended, upload
from cases.reconcile import MAP, Books, table
from kit.cases import ROOT, case, eventually
from kit.router import Router, run
from kit.upstream import Upstream, chat

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


POLICY = """
windows: {{ once: {{ dates: 2001-01-01 }} }}
backends: {{ cheap: {{ api: openai, url: "{url}", price: {{ input: 0.20, output: 0.60 }} }} }}
models: {{ chat: {{ cheap: m }} }}
classes:
  live: {{ serve: now, use: [cheap] }}
  patient: {{ serve: later, use: [cheap], deadline: 24h }}
  held: {{ serve: later, use: [cheap], deadline: 24h, during: once }}
routes:
  - {{ match: {{ async: true, metadata: {{ job: held }} }}, class: held }}
  - {{ match: {{ async: true }}, class: patient }}
  - {{ class: live }}
baseline: {{ backend: cheap, model: requested, serve: now }}
"""


LIST = """
version: 1
provider: openai
hosts: [api.openai.com]
currency: USD
models:
  gpt-4o: { input: 2, output: 9, as_of: 2026-11-12, source: "https://example.org" }
"""


@case("outputs-commands", "what check, config, explain, doctor and prices diff print, and what keeps them from it, is what their schemas say, name by name")
def commands():
    with Router(POLICY.format(url=Upstream(chat()).url), environment={"SLUICE_PRICES": str(ROOT / "prices")}) as up:
        assert up.chat().status == 200
        wrong, prices = up.folder / "wrong.yaml", up.folder / "prices"
        wrong.write_text(up.policy.replace("serve: now", "sreve: now"))
        prices.mkdir()
        (prices / "openai.yaml").write_text(LIST)
        place = ["--config", str(up.config), "--output", "json"]
        data = [*place, "--data", str(up.data)]

        def check(name, *arguments, expect=0, of="stdout"):
            done = up.run(*arguments, expect=expect)
            value = json.loads(getattr(done, of))
            assert (found := fault(value, json.loads(run("schema", name).stdout))) is None, f"{' '.join(arguments)}: {found}"
            return value
        assert check("check", "check", str(up.config), "--output", "json")["ok"]
        assert check("check", "check", str(wrong), "--output", "json", expect=1)["diagnostics"]
        config = check("config", "config", "--effective", *place)
        found = {tuple(one["path"]): one for one in config["values"]}
        assert len(found) == len(config["values"]) > 30 and config["policy"] == json.loads(up.admin("GET", "/api/policy").body)["policy"], config
        assert found["routes", "0", "class"]["origin"].startswith(str(up.config)) and found["timezone",] == {"path": ["timezone"], "value": "UTC", "origin": "default"}, config
        for more in ([], ["--async"], ["--async", "--metadata", "job=held"], ["--stream"]):
            assert check("explain", "explain", "--model", "chat", "--input-tokens", "1000", *more, *place)["candidates"]
        assert check("doctor", "doctor", *data)["checks"]
        assert check("prices_diff", "prices", "diff", str(prices), "--all", *data)["changes"]
        assert check("explain", "explain", "--model", "none", *place, expect=1)["refused"]["status"] == 404
        assert check("error", "windows", "--next", "x", *place, expect=64, of="stderr")["message"]
        assert check("error", "explain", "--request-id", "req_none", *data, expect=2, of="stderr")["message"]
        for arguments in (["explain", "--model", "chat", "--config", str(wrong), "--output", "json"], ["config", "--effective", "--config", str(wrong), "--output", "json"],
                          ["prices", "diff", str(up.folder / "none"), *data], ["queue", "show", "job_none", *data[2:]], ["report", "--output", "json", "--data", "/nowhere"]):
            assert check("error", *arguments, expect=2, of="stderr")["message"]


@case("outputs-queue", "what the commands of queue and keys and the admin API print is what their schemas say, name by name")
def queue():
    with Router(POLICY.format(url=Upstream(chat()).url)) as up:
        data = ["--data", str(up.data), "--output", "json"]

        def check(name, text):
            found = fault(json.loads(text), json.loads(run("schema", name).stdout))
            assert found is None, f"{name}: {found}"
            return json.loads(text)

        def admin(name, path, method="GET"):
            return check(name, up.request(method, path, port=up.admin_port).body)

        assert up.chat().status == 200
        done = up.chat(headers={"prefer": "respond-async"}).json["id"]
        held = [up.chat(headers={"prefer": "respond-async", "sluice-tags": "job=held"}).json["id"] for _ in range(2)]
        eventually(lambda: up.request("GET", f"/v1/jobs/{done}").status == 200, 10, what="the job's end")
        file = upload(up, b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"chat","messages":[]}}\n').json["id"]
        batch = batch_of(up, file).json["id"]
        ended(up, batch)
        check("queue", up.run("queue", "ls", *data).stdout)
        check("batches", up.run("queue", "batches", *data).stdout)
        check("deliveries", up.run("queue", "deliveries", *data).stdout)
        for job in (done, held[0]):
            check("job", up.run("queue", "show", job, *data).stdout)
        check("job", up.run("queue", "cancel", held[0], *data).stdout)
        check("job", up.run("queue", "retry", held[0], *data).stdout)
        check("batch", up.run("queue", "show", batch, *data).stdout)
        check("checkpoints", up.run("audit", "checkpoints", *data).stdout)
        admin("queue", "/api/queue")
        admin("job", f"/api/queue/{held[1]}/cancel", "POST")
        admin("requests", "/api/requests")
        admin("windows", "/api/windows?next=2d")
        admin("ready", "/readyz?verbose")
        admin("reload", "/api/reload", "POST")
        admin("policy_in_force", "/api/policy")
        backend = admin("backends", "/api/backends")["data"][0]
        assert backend["state"] == "up" and backend["breaker"] == "closed" and backend["error_ratio"] == 0, backend
        check("key", up.run("keys", "new", "ci", *data).stdout)
        check("keys", up.run("keys", "ls", *data).stdout)
        check("key_revoked", up.run("keys", "revoke", "ci", *data).stdout)
        for path in ("/api/requests?limit=none", "/api/requests?since=today", "/api/queue?status=odd", "/api/windows?next=soon"):
            assert up.request("GET", path, port=up.admin_port).status == 400, path


@case("explain-at-once", "a call that has just been answered can be explained: the command waits for the ledger")
def explain_at_once():
    policy = """
backends: { here: { api: simulated, price: { input: 1, output: 2 } } }
models: { chat: { here: sim-large } }
classes: { realtime: { serve: now, use: [here] } }
routes: [ { class: realtime } ]
baseline: { backend: here, model: requested, serve: now }
"""
    with Router(policy) as router:
        # So many that the commit waits for more.
        answers = [router.chat(max_tokens=1) for _ in range(12)]
        wanted = answers[-1].headers["x-request-id"]
        past = router.run("explain", "--request-id", wanted, "--data", str(router.data), "--output", "json")
        assert json.loads(past.stdout)["class"] == "realtime", past
        schema = json.loads(run("schema", "explain").stdout)
        for text in (past.stdout, router.admin("GET", f"/api/requests/{wanted}").body):
            told = json.loads(text)
            assert (found := fault(told, schema)) is None, found
            assert [one["backend"] for one in told["candidates"] if one["chosen"]] == ["here"] and told["tried"] == [], told
            assert told["baseline"]["cost"] == told["attempts"][0]["baseline"] and told["substituted"] is None, told


@case("verify-filtered", "an export with --request-id or --tenant is none whose chain can be followed, and says so; lines that no filter takes out are damage")
def verify_filtered():
    policy = """
tenants: { a: { keys: [a] }, b: { keys: [b] } }
backends: { here: { api: simulated, price: { input: 1, output: 2 } } }
models: { chat: { here: sim-large } }
classes: { realtime: { serve: now, use: [here] } }
routes: [ { class: realtime } ]
baseline: { backend: here, model: requested, serve: now }
"""
    with Router(policy) as router:
        data = ["--data", str(router.data)]
        keys = {name: json.loads(router.run("keys", "new", name, *data, "--output", "json").stdout)["key"] for name in "ab"}
        ids = [router.chat(max_tokens=1, headers={"authorization": f"Bearer {keys[name]}"}).headers["x-request-id"] for name in "abaaba"]
        router.closed(6)
        whole = router.run("export", "ledger", *data).stdout.splitlines(keepends=True)

        def verify(text, expect):
            file = router.folder / "e.jsonl"
            file.write_text(text)
            return router.run("audit", "verify", str(file), "--output", "json", expect=expect)
        assert json.loads(verify("".join(whole), 0).stdout)["entries"] == 12
        for more in (["--tenant", "a"], ["--tenant", "b"], ["--request-id", ids[2]]):
            said = json.loads(verify(router.run("export", "ledger", *more, *data).stdout, 2).stderr)
            assert said["schema"] == "sluice.error/v1" and more[0] in said["message"] and "taken out" in said["message"], said
        for lost in (1, 2, 5):
            assert json.loads(verify("".join(whole[:lost] + whole[lost + 1:]), 1).stdout)["first_bad"]["seq"] == lost + 2
        assert not json.loads(verify("".join(whole[:4] + whole[6:]), 1).stdout)["ok"], "a whole call is missing, and the others are of two tenants"
