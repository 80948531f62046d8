"""Providers' own batches as a rung of the price ladder: what goes there, what comes back, and what it comes to in the books."""
import collections
import datetime
import decimal
import json
import signal
import threading
import time

from cases.batch_corpus import upload
from cases.outputs import fault
from kit.cases import case, eventually
from kit.provider import Provider
from kit.router import Router, run

LATER = {"prefer": "respond-async"}
ONE = decimal.Decimal("0.000360")      # 100 tokens at 2, 20 at 8, half of it
DEAR = decimal.Decimal("0.000720")     # at the other backend, 4 and 16
DIALECTS = {"openai": ("openai-batch", "openai"), "anthropic": ("anthropic-batch", "anthropic")}


def policy(lane, dialect="openai", deadline="100s", more="", use="[lane, own]", promote=""):
    api, single = DIALECTS[dialect]
    return f"""
backends:
  lane: {{ api: {api}, url: {lane.url}, price: {{ input: 4, output: 16, tier: {{ batch: 50% }} }} }}
  own: {{ api: {single}, url: {lane.url}, price: {{ input: 4, output: 16 }} }}
models: {{ chat: {{ lane: m, own: m }} }}
classes:
  realtime: {{ serve: now, use: [lane, own] }}
  patient: {{ serve: later, use: {use}, deadline: {deadline}{promote} }}
routes:
  - {{ match: {{ async: true }}, class: patient }}
  - {{ class: realtime }}
baseline: {{ backend: own, model: requested, serve: now }}
{more}
"""


def serving(text):
    return Router(text)


def ask(router, text, dialect="openai", headers=None):
    path = "/v1/chat/completions" if dialect == "openai" else "/v1/messages"
    body = {"model": "chat", "max_tokens": 50, "messages": [{"role": "user", "content": text}]}
    answer = router.request("POST", path, body, {**LATER, **(headers or {})})
    assert answer.status == 202, answer
    return answer.json["id"]


def enqueue(router, count=6, dialect="openai", text="job", headers=None):
    return [ask(router, f"{text} {n}", dialect, headers) for n in range(count)]


def job(router, id):
    return router.request("GET", f"/v1/jobs/{id}")


def done(router, ids, limit=60):
    eventually(lambda: all(job(router, id).status != 202 for id in ids), limit, 0.1, "the end of the jobs")
    return [job(router, id) for id in ids]


def sent(provider, limit=30, count=1):
    return eventually(lambda: list(provider.batches.values()) if len(provider.batches) >= count else None, limit, what=f"{count} batches at the provider")


def books(router, count):
    """The ends of all attempts, each of which has exactly one; the chain holds."""
    entries = router.closed(count)
    keys = collections.Counter((entry["request_id"], entry["attempt"]) for entry in entries)
    assert max(keys.values()) == 1, f"an attempt with several ends: {keys.most_common(3)}"
    opened = {(entry["request_id"], entry["attempt"]) for entry in router.ledger() if entry["kind"] == "intent"}
    assert opened == set(keys), f"intents and ends differ: {opened ^ set(keys)}"
    router.run("audit", "verify", "--data", str(router.data))
    return entries


def cost(entries):
    return sum(decimal.Decimal(entry["cost"]) for entry in entries if entry["cost"])


def happy(dialect):
    provider = Provider()
    with serving(policy(provider, dialect)) as router:
        assert router.request("POST", *now(dialect)).status == 200
        assert len(provider.singles) == 1, "live work did not go to the other backend"
        ids = enqueue(router, dialect=dialect)
        batch = sent(provider)[0]
        assert len(batch.lines) == 6, f"{len(batch.lines)} lines"
        assert len(provider.singles) == 1, "a deferred job went one by one"
        kinds = [(entry["kind"], entry["attempt"]) for entry in router.ledger()]
        assert [kind for kind, _ in kinds].count("intent") == 7, f"not every line has its intent before it is run: {kinds}"
        assert job(router, ids[0]).status == 202
        held_by_provider(router, ids, batch)
        provider.finish()
        for n, answer in enumerate(done(router, ids)):
            assert answer.status == 200 and f"job {n}" in answer.body.decode(), answer
        entries = [entry for entry in books(router, 7) if entry["backend"] == "lane"]
        assert cost(entries) == 6 * ONE == len(provider.billed) * ONE, [entry["cost"] for entry in entries]
        assert {entry["tier_served"] for entry in entries} == {"batch"} and {entry["evidence"] for entry in entries} == {"computed"}
        report = router.run("report", "--output", "json", "--data", str(router.data)).stdout
        again = json.loads(router.run("audit", "recompute", "--output", "json", "--data", str(router.data)).stdout)
        assert again["corrections"] == 0, f"the cards of today price it otherwise: {again}"
        levers = {lever["lever"]: lever["amount"] for lever in json.loads(report)["waterfall"]}
        assert decimal.Decimal(levers["lane"]) == 6 * ONE, levers
        eventually(lambda: len(provider.deleted) >= (2 if dialect == "openai" else 1), 20, what="the deletion of what lies at the provider")


def held_by_provider(router, ids, batch):
    """`queue ls` and `show` say at whose batch a job is, in words and as their schemas say."""
    data = ["--data", str(router.data)]
    rows = json.loads(router.run("queue", "ls", "--output", "json", *data).stdout)
    shown = json.loads(router.run("queue", "show", ids[0], "--output", "json", *data).stdout)
    for name, value in (("queue", rows), ("job", shown)):
        assert (found := fault(value, json.loads(run("schema", name).stdout))) is None, f"{name}: {found}"
    for one in [*rows["data"], shown]:
        assert one["bundle"]["backend"] == "lane" and one["bundle"]["provider_batch"] == batch.id and one["bundle"]["name"], one
    for text in (router.run("queue", "ls", *data).stdout, router.run("queue", "show", ids[0], *data).stdout):
        assert batch.id in text and "lane" in text, text


def now(dialect):
    path = "/v1/chat/completions" if dialect == "openai" else "/v1/messages"
    return path, {"model": "chat", "max_tokens": 50, "messages": [{"role": "user", "content": "live"}]}


@case("lanes-openai", "deferred jobs go to OpenAI's batches together, come back, cost half, and leave nothing behind there", 120, waits=True)
def lanes_openai():
    happy("openai")


@case("lanes-anthropic", "the same with Anthropic's message batches", 120, waits=True)
def lanes_anthropic():
    happy("anthropic")


def crash(dialect, step, after=None):
    """The process dies at a step; the next one finds what is there and sends nothing twice."""
    reached, go = threading.Event(), threading.Event()

    def gate(name):
        if name == step and not reached.is_set():
            reached.set()
            go.wait(20)
            return "cut"
    provider = Provider(gate=gate, after=after)
    with serving(policy(provider, dialect, deadline="200s")) as router:
        ids = enqueue(router, 8, dialect)
        assert reached.wait(60), f"the step {step} was not reached"
        router.kill()
        go.set()
        router.start()
        sent(provider, 60)
        provider.finish()
        for answer in done(router, ids, 60):
            assert answer.status == 200, answer
        assert len(provider.batches) == 1, f"{len(provider.batches)} batches for one bundle"
        assert not provider.singles, "a job was sent a second time"
        entries = books(router, 8)
        assert cost(entries) == 8 * ONE and len(provider.billed) == 8, entries
        eventually(lambda: provider.deleted, 60, what="the deletion of what lies at the provider")


for dialect, step in [("openai", "upload"), ("openai", "uploaded"), ("openai", "create"), ("openai", "created"), ("anthropic", "create"), ("anthropic", "created")]:
    case(f"lanes-crash-{dialect}-{step}", f"killed at the step `{step}` of {dialect}: no job is lost, none is sent twice", 180, waits=True)(
        lambda dialect=dialect, step=step: crash(dialect, step))


for step in ("results", "delete"):
    case(f"lanes-crash-openai-{step}", f"killed at the step `{step}`: what came is taken in once, and nothing stays at the provider", 180, waits=True)(
        lambda step=step: crash("openai", step, after=2))


@case("lanes-crash-open", "killed while the provider has it, and while results come: they are taken in once", 180, waits=True)
def lanes_crash_open():
    provider = Provider()
    with serving(policy(provider, deadline="200s")) as router:
        ids = enqueue(router, 8)
        sent(provider)
        router.kill()
        provider.finish()
        router.start()
        done(router, ids)
        assert cost(books(router, 8)) == 8 * ONE
        assert not provider.singles and len(provider.batches) == 1


def fates(dialect):
    def fate(text):
        return {"0": "expired", "1": "missing", "2": 400, "3": 500}.get(text.split()[-1], "ok")
    provider = Provider(fate=fate)
    with serving(policy(provider, dialect)) as router:
        ids = enqueue(router, 8, dialect)
        sent(provider)
        provider.finish()
        answers = done(router, ids, 90)
        assert [answer.status for answer in answers[3:]] == [200] * 5, answers
        assert answers[0].status == 200 and answers[1].status == 200, "what the provider did not run was not run elsewhere"
        assert answers[2].status == 400, answers[2]
        entries = books(router, 8 + 3)
        assert cost([entry for entry in entries if entry["backend"] == "lane"]) == len(provider.billed) * ONE == 4 * ONE
        by_kind = collections.Counter((entry["kind"], entry["outcome"]) for entry in entries if entry["backend"] == "lane")
        assert by_kind == {("settled", "ok"): 4, ("settled", "not_sent"): 1, ("in_doubt", "unknown"): 1, ("settled", "refused"): 1,
                           ("settled", "upstream_error"): 1}, by_kind


@case("lanes-fates-openai", "expired, missing and failed lines go on elsewhere, an error of the client's own ends the job", 150, waits=True)
def lanes_fates_openai():
    fates("openai")


@case("lanes-fates-anthropic", "the same with Anthropic's results", 150, waits=True)
def lanes_fates_anthropic():
    fates("anthropic")


@case("lanes-promotion", "a batch that is not done in time is called back early enough: what was done counts, the rest runs elsewhere", 150, waits=True)
def lanes_promotion():
    provider = Provider(fate=lambda text: "early" if text.endswith("0") else "ok")
    with serving(policy(provider, deadline="40s")) as router:
        ids = enqueue(router, 8)
        sent(provider)
        answers = done(router, ids, 60)
        assert all(answer.status == 200 for answer in answers), answers
        batch = sent(provider)[0]
        assert batch.cancel_asked, "the batch was not called back"
        assert len(provider.billed) == 1 and len(provider.singles) == 7, (provider.billed, len(provider.singles))
        entries = books(router, len(batch.lines) + 7)
        assert cost(entries) == ONE + 7 * DEAR


@case("lanes-called-back", "a window that is cheaper than what a late batch would come to closes soon: the batch is called back for it", 150, waits=True)
def lanes_called_back():
    provider = Provider()
    first = policy(provider, deadline="12m")
    with serving(first) as router:
        ids = enqueue(router, 8)
        batch = sent(provider, 60)[0]
        time.sleep(1)
        assert not batch.cancel_asked
        now = datetime.datetime.now(datetime.timezone.utc)
        hours = f"{now - datetime.timedelta(hours=1):%H:%M}-{now + datetime.timedelta(minutes=2):%H:%M}"
        router.write(first.replace("own: { api: openai, url: %s, price: { input: 4, output: 16 }" % provider.url,
                                   "own: { api: openai, url: %s, price: { input: 4, output: 16, during: { cheap: 60%% } }" % provider.url)
                     + f"windows: {{ cheap: {{ hours: {hours} }} }}\n")
        router.process.send_signal(signal.SIGHUP)
        answers = done(router, ids, 60)
        assert all(answer.status == 200 for answer in answers), answers
        assert batch.cancel_asked and len(provider.singles) == 8 and not provider.billed, (batch.cancel_asked, len(provider.singles), provider.billed)
        entries = books(router, 16)
        assert cost(entries) == 8 * DEAR * decimal.Decimal("0.6"), cost(entries)


@case("lanes-hedge", "a provider that does not stop is not waited for: the jobs run elsewhere, the first result counts, both are paid", 150, waits=True)
def lanes_hedge():
    provider = Provider(cancels=False)
    with serving(policy(provider, deadline="40s")) as router:
        ids = enqueue(router, 6)
        batch = sent(provider)[0]
        assert all(answer.status == 200 for answer in done(router, ids, 60))
        assert len(provider.singles) == 6 and batch.cancel_asked
        provider.run(batch)
        entries = books(router, 6 + len(batch.lines))
        late = [entry for entry in entries if entry["backend"] == "lane"]
        assert {(entry["kind"], entry["outcome"]) for entry in late} == {("waste", "superseded")}, late
        assert cost(entries) == len(batch.lines) * ONE + 6 * DEAR


@case("lanes-hang", "a provider that takes a batch and then says nothing more is not waited for either", 150, waits=True)
def lanes_hang():
    provider = Provider(gate=lambda name: "hang" if name == "look" else None)
    with serving(policy(provider, deadline="60s")) as router:
        ids = enqueue(router, 6)
        sent(provider)
        assert all(answer.status == 200 for answer in done(router, ids, 75))
        assert len(provider.singles) == 6


@case("lanes-budget", "a budget counts what is with the provider, and what it came to", 150, waits=True)
def lanes_budget():
    provider = Provider()
    with serving(policy(provider, more="budgets: { all: { limit: 0.003, per: day, at: { 100%: reject } } }")) as router:
        ids = enqueue(router, 12)
        batch = sent(provider)[0]
        # Fifty tokens of answer at most, and a little prompt, at half the price: less than 0.003 for a part of them.
        assert 5 <= len(batch.lines) < 12, f"{len(batch.lines)} lines"
        assert not provider.singles, "what the budget refused went elsewhere at the full price"
        provider.finish()
        eventually(lambda: sum(job(router, id).status == 200 for id in ids) == len(batch.lines), 30, what="the answers of what was paid for")
        assert cost(books(router, len(batch.lines))) == len(batch.lines) * ONE


@case("lanes-cancel", "a client cancels jobs that are with the provider: they end at once, and a batch that nobody waits for is stopped", 150, waits=True)
def lanes_cancel():
    provider = Provider()
    with serving(policy(provider, deadline="200s")) as router:
        ids = enqueue(router, 8)
        batch = sent(provider, 60)[0]
        assert router.request("POST", f"/v1/jobs/{ids[0]}/cancel").status == 200
        assert "cancelled" in router.run("queue", "show", ids[0], "--data", str(router.data)).stdout
        assert not batch.cancel_asked, "one client's cancel stops the others' work"
        for id in ids[1:]:
            router.request("POST", f"/v1/jobs/{id}/cancel")
        eventually(lambda: batch.cancel_asked, 30, what="the end of a batch that nobody waits for")
        entries = books(router, 8)
        assert {entry["outcome"] for entry in entries} == {"not_sent"} and cost(entries) == 0, entries


@case("lanes-account", "an account that refuses parks the lane: nothing is lost, nothing booked twice, and the jobs run elsewhere in time", 150, waits=True)
def lanes_account():
    provider = Provider()
    provider.status_of_everything = 401
    with serving(policy(provider, deadline="40s")) as router:
        ids = enqueue(router, 8)
        assert all(answer.status == 200 for answer in done(router, ids, 60))
        assert len(provider.singles) == 8 and not provider.batches
        entries = books(router, 16)
        assert cost(entries) == 8 * DEAR
        tries = [call for call in provider.posts() if call.path.endswith("/files")]
        assert len(tries) <= 2, f"{len(tries)} tries at an account that refuses"


@case("lanes-few", "few jobs with little time go one by one", 90, waits=True)
def lanes_few():
    provider = Provider()
    with serving(policy(provider)) as router:
        done(router, enqueue(router, 3), 40)
        assert len(provider.singles) == 3 and not provider.batches


@case("lanes-batch-file", "the lines of a batch file go there too, and its files, counts and cancel are as ever", 150, waits=True)
def lanes_batch_file():
    provider = Provider()
    with serving(policy(provider)) as router:
        lines = "\n".join(json.dumps({"custom_id": f"c{n}", "method": "POST", "url": "/v1/chat/completions", "body": {
            "model": "chat", "messages": [{"role": "user", "content": f"line {n}"}]}}) for n in range(20))
        file = upload(router, lines.encode()).json["id"]
        made = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "3m"}
        batches = [router.request("POST", "/v1/batches", made).json["id"] for _ in range(2)]
        sent(provider, 60)
        router.request("POST", f"/v1/batches/{batches[1]}/cancel")

        def ended(id):
            answer = router.request("GET", f"/v1/batches/{id}").json
            return answer if answer["status"] in ("completed", "cancelled", "expired", "failed") else None
        assert eventually(lambda: ended(batches[1]), 30)["status"] == "cancelled"
        provider.finish()
        batch = eventually(lambda: ended(batches[0]), 60)
        assert batch["status"] == "completed" and batch["request_counts"]["completed"] == 20, batch
        output = router.request("GET", f"/v1/files/{batch['output_file_id']}/content").body.decode().splitlines()
        assert {json.loads(line)["custom_id"] for line in output} == {f"c{n}" for n in range(20)}


@case("lanes-explain", "explain says where deferred work would go, and why live work passes a lane over", 30)
def lanes_explain():
    provider = Provider()
    with serving(policy(provider)) as router:
        def explain(*more):
            arguments = ["--config", str(router.config), "--model", "chat", "--input-tokens", "1000", "--output", "json", *more]
            return json.loads(router.run("explain", *arguments).stdout)
        passed = {one["backend"]: one for one in explain()["candidates"]}
        assert "batch lane" in passed["lane"]["why_not"] and passed["own"]["chosen"], passed
        later = {one["backend"]: one for one in explain("--async")["candidates"]}
        assert later["lane"]["chosen"], later
        assert decimal.Decimal(later["lane"]["estimated_cost"]) * 2 == decimal.Decimal(later["own"]["estimated_cost"]), later


@case("lanes-substituted", "the answer of a substitute that came by a provider's batch says so as any other does, in its head and in the books", 150, waits=True)
def substituted():
    provider = Provider()
    text = policy(provider, more="substitute: [ { model: chat, with: small, why: cheaper, for: { class: [patient, realtime] } } ]")
    text = text.replace("models: { chat: { lane: m, own: m } }", "models: { chat: { lane: m, own: m }, small: { lane: s, own: s } }")
    with serving(text) as router:
        live = router.chat("now").headers["sluice-route"]
        assert 'substituted="chat->small";why=cheaper' in live, live
        ids = enqueue(router)
        batch = sent(provider)[0]
        assert {line["body"]["model"] for line in batch.lines} == {"s"}, batch.lines
        provider.finish()
        for answer in done(router, ids):
            assert answer.status == 200 and "backend=lane" in answer.headers["sluice-route"], answer.headers
            assert 'substituted="chat->small";why=cheaper' in answer.headers["sluice-route"], answer.headers
        entries = books(router, 7)
        assert {(entry["model"], entry["backend_model"]) for entry in entries} == {("chat", "s")}, entries
