"""`verify:` of a substitution: a sample of substituted requests runs on the original too, and both answers are kept."""
import decimal
import json

from cases.outputs import fault
from kit.cases import case, eventually
from kit.router import Router, run
from kit.upstream import Upstream, chat, failure

D = decimal.Decimal
LATER = {"prefer": "respond-async"}
#: `chat(tokens=20, prompt=100)` at 2.50 and 10, and at 0.20 and 0.60.
DEAR, CHEAP = D("0.00045"), D("0.000032")


def policy(dear, own, share="100%", more=""):
    return f"""
backends:
  dear: {{ api: openai, url: {dear.url}, price: {{ input: 2.50, output: 10 }} }}
  own: {{ api: openai, url: {own.url}, price: {{ input: 0.20, output: 0.60 }} }}
models:
  chat: {{ dear: large }}
  small: {{ own: little, dear: little }}
classes:
  live: {{ serve: now, use: [own, dear] }}
  exact: {{ serve: now, use: [dear] }}
  patient: {{ serve: later, use: [own], deadline: 1h }}
substitute:
  - {{ name: little, model: chat, with: small, why: quantised, for: {{ class: [live, patient] }}, verify: {share} }}
routes:
  - {{ match: {{ async: true }}, class: patient }}
  - {{ match: {{ metadata: {{ exact: "yes" }} }}, class: exact }}
  - {{ class: live }}
baseline: {{ backend: dear, model: requested, serve: now }}
{more}
"""


def listed(router):
    return json.loads(router.run("verify", "ls", "--output", "json", "--data", str(router.data)).stdout)["data"]


def verified(router, count, limit=30):
    """The list of verifications once so many have both answers."""
    def look():
        page = listed(router)
        return page if len([one for one in page if one["status"] in ("done", "failed")]) >= count else None
    return eventually(look, limit, 0.2, f"{count} verifications")


def show(router, id):
    text = router.run("verify", "show", id, "--output", "json", "--data", str(router.data)).stdout
    assert (found := fault(json.loads(text), json.loads(run("schema", "verification").stdout))) is None, found
    return json.loads(text)


def report(router):
    return json.loads(router.run("report", "--output", "json", "--data", str(router.data)).stdout)


@case("verify-live", "substituted live requests run on the original too, whole and streamed; the client sees nothing of it, and it is waste, never a saving", 120)
def live():
    dear, own = Upstream(chat()), Upstream(chat())
    with Router(policy(dear, own)) as router:
        answers = [router.chat(f"question {n}", stream=n % 2 == 1) for n in range(6)]
        assert {answer.status for answer in answers} == {200}, answers
        assert all("backend=own" in answer.headers["sluice-route"] for answer in answers)
        page = verified(router, 6)
        assert [call.json["model"] for call in dear.posts()] == ["large"] * 6, dear.posts()
        assert sorted(call.text for call in dear.posts()) == [f"question {n}" for n in range(6)]
        assert {one["request_id"] for one in page} == {answer.headers["x-request-id"] for answer in answers}
        whole = show(router, answers[0].headers["x-request-id"])
        assert json.loads(whole["substitute"]["body"])["model"] == "little" and json.loads(whole["original"]["body"])["model"] == "large", whole
        assert (D(whole["substitute"]["cost"]), D(whole["original"]["cost"])) == (CHEAP, DEAR), whole
        assert whole["original"]["backend"] == "dear" and whole["substitute"]["backend"] == "own" and whole["rule"] == "little", whole
        stream = show(router, answers[1].headers["x-request-id"])
        assert stream["substitute"]["body"].endswith("data: [DONE]\n\n") and stream["original"]["body"].endswith("data: [DONE]\n\n"), stream
        assert stream["substitute"]["content_type"].startswith("text/event-stream"), stream

        rows = [row for row in router.closed(12) if row["flags"] == ["verification"]]
        assert len(rows) == 6 and {row["kind"] for row in rows} == {"waste"}, rows
        assert {(row["attempt"], row["backend"], row["cost"], row["baseline"], row["evidence"]) for row in rows} == {(2, "dear", str(DEAR), None, "computed")}, rows
        total = report(router)["total"]
        assert total["requests"] == 6 and D(total["cost"]) == 6 * CHEAP and D(total["waste"]) == D(total["verification"]) == 6 * DEAR, total
        assert D(total["baseline"]) == 6 * DEAR and D(total["saved"]) == -6 * CHEAP, total
        assert "verifying substitutes" in router.run("report", "--data", str(router.data)).stdout
        assert json.loads(router.run("audit", "recompute", "--output", "json", "--data", str(router.data), "--config", str(router.config)).stdout)["corrections"] == 0
        router.run("audit", "verify", "--data", str(router.data))

        newest = json.loads(router.admin("GET", "/api/requests").body)["data"]
        assert {row["backend"] for row in newest} == {"own"}, "the list of requests shows what verified them"
        assert router.request("GET", "/v1/jobs").json["data"] == [], "a tenant sees what verifies its requests"
        job = page[0]["job_id"]
        assert router.request("GET", f"/v1/jobs/{job}").status == 404 and router.request("POST", f"/v1/jobs/{job}/cancel").status == 404
        text = router.run("verify", "ls", "--output", "json", "--data", str(router.data)).stdout
        assert (found := fault(json.loads(text), json.loads(run("schema", "verifications").stdout))) is None, found
        assert "question" not in router.said(), "a prompt stands in the log"
        assert router.run("check", "--config", str(router.config)).stdout.count("not yet") == 0


@case("verify-deferred", "so do substituted jobs, after their end; who erases the job erases the copies", 120)
def deferred():
    dear, own = Upstream(chat()), Upstream(chat())
    with Router(policy(dear, own)) as router:
        job = router.chat("patience", headers=LATER).json["id"]
        page = verified(router, 1)
        assert router.request("GET", f"/v1/jobs/{job}").status == 200
        both = show(router, page[0]["request_id"])
        assert json.loads(both["original"]["body"])["model"] == "large" and json.loads(both["substitute"]["body"])["model"] == "little", both
        rows = router.closed(2)
        assert [(row["attempt"], row["kind"]) for row in rows] == [(1, "settled"), (2, "waste")], rows
        assert rows[0]["job_id"] == job and rows[1]["job_id"] == page[0]["job_id"], rows
        assert router.request("DELETE", f"/v1/jobs/{job}").status == 200
        assert listed(router) == []
        router.run("verify", "show", page[0]["request_id"], "--data", str(router.data), expect=2)


@case("verify-share", "a share is a share of the substituted requests alone", 120)
def share():
    dear, own = Upstream(chat(tokens=1)), Upstream(chat(tokens=1))
    with Router(policy(dear, own, "25%")) as router:
        for _ in range(120):
            assert router.chat().status == 200
        for _ in range(10):
            assert router.chat(metadata={"exact": "yes"}).status == 200
        eventually(lambda: not json.loads(router.run("queue", "ls", "--output", "json", "--data", str(router.data)).stdout)["data"], 30, 0.2, "an empty queue")
        page = verified(router, 1)
        assert 12 <= len(page) <= 54, f"{len(page)} of 120"
        assert len(dear.posts()) == len(page) + 10, (len(dear.posts()), len(page))


@case("verify-budget", "verifications are asked of budgets like everything else, and wait while there is no money; clients go on", 120)
def budget():
    dear, own = Upstream(chat()), Upstream(chat())
    with Router(policy(dear, own, more="budgets: { all: { limit: 0.0002, per: day, at: { 100%: reject } } }")) as router:
        answers = [router.chat(f"{n}", max_tokens=20) for n in range(4)]
        assert [answer.status for answer in answers] == [200] * 4, answers
        eventually(lambda: [one["status"] for one in listed(router)] == ["held"] * 4, 20, 0.2, "verifications that wait")
        assert not dear.posts() and D(report(router)["total"]["cost_high"]) == 4 * CHEAP


@case("verify-kill", "a verification that a killed process left in the air is in doubt, and is asked again", 120)
def kill():
    dear, own = Upstream(chat(first=60)), Upstream(chat())
    with Router(policy(dear, own)) as router:
        assert router.chat("once").status == 200
        eventually(lambda: dear.posts(), 20, what="the call to the original")
        router.kill()
        dear.answer = chat()
        router.start()
        verified(router, 1)
        ends = [row for row in router.closed(3) if row["flags"] == ["verification"]]
        assert [(row["kind"], row["attempt"]) for row in ends] == [("in_doubt", 2), ("waste", 3)], ends
        total = report(router)["total"]
        assert total["requests"] == 1 and D(total["verification"]) == D(total["waste"]) > DEAR, total


@case("verify-kill-at-end", "whoever has the whole answer has its verification, too, whenever the process is killed: live, streamed and deferred", 240)
def kill_at_end():
    dear, own = Upstream(chat(first=60)), Upstream(chat())
    with Router(policy(dear, own)) as router:
        lost = []
        for turn in range(18):
            kind = ("whole", "streamed", "deferred")[turn % 3]
            if kind == "deferred":
                answer = router.chat(f"{turn}", headers=LATER)
                while router.request("GET", f"/v1/jobs/{answer.json['id']}").status == 202:
                    pass
            else:
                answer = router.chat(f"{turn}", stream=kind == "streamed")
                assert answer.status == 200 and (kind == "whole" or answer.body.endswith(b"data: [DONE]\n\n")), answer
            router.kill()
            router.start()
            if answer.headers["x-request-id"] not in {one["request_id"] for one in listed(router)}:
                lost.append(kind)
        assert not lost, f"{len(lost)} of 18 are not verified: {lost}"


@case("verify-long", "an answer of more than 4 MB is not verified, which its ledger row says", 120)
def long():
    dear, own = Upstream(chat()), Upstream(chat(tokens=300, word="x" * 16_000))
    with Router(policy(dear, own)) as router:
        assert router.chat("whole").status == 200 and router.chat("streamed", stream=True).status == 200
        rows = router.closed(2)
        assert all("unverified" in row["flags"] for row in rows), [row["flags"] for row in rows]
        own.answer = chat()
        assert router.chat("short").status == 200
        verified(router, 1)
        assert len(listed(router)) == 1


@case("verify-fails", "an original that answers with an error is shown so, costs nothing, and is no client's concern", 120)
def fails():
    dear, own = Upstream(failure(400)), Upstream(chat())
    with Router(policy(dear, own)) as router:
        assert router.chat("once").status == 200
        page = verified(router, 1)
        assert page[0]["status"] == "failed" and page[0]["original"]["status"] == 400, page
        assert "scripted" in show(router, page[0]["job_id"])["original"]["body"]
        total = report(router)["total"]
        assert D(total["waste"]) == 0 and total["requests"] == 1, total


@case("substitute-precision", "what a rule demands of a substitute holds for work that waited as well: the cheaper, coarser one is passed over", 60)
def precision():
    coarse, fine = Upstream(chat()), Upstream(chat())
    text = f"""
backends:
  coarse: {{ api: openai, url: {coarse.url}, price: {{ input: 0.1, output: 0.1 }} }}
  fine: {{ api: openai, url: {fine.url}, price: {{ input: 1, output: 1 }} }}
models:
  chat: {{ fine: large }}
  small: {{ coarse: {{ name: little, precision: int4 }}, fine: {{ name: little, precision: int8 }} }}
classes: {{ patient: {{ serve: later, use: [coarse, fine], deadline: 1h, hold: 20s }} }}
substitute:
  - {{ model: chat, with: small, why: quantised, min_precision: int8 }}
routes: [{{ class: patient }}]
"""
    with Router(text) as router:
        ids = [router.chat(f"{n}", headers=LATER).json["id"] for n in range(4)]
        held = router.chat("held")
        assert held.status == 200 and 'substituted="chat->small";why=quantised' in held.headers["sluice-route"], (held, held.headers)
        eventually(lambda: all(router.request("GET", f"/v1/jobs/{id}").status == 200 for id in ids), 30, 0.2, "the end of the jobs")
        assert not coarse.posts() and len(fine.posts()) == 5, (len(coarse.posts()), len(fine.posts()))
