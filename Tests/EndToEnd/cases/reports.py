"""Reports in every format say the same; the page stands alone."""
import csv
import decimal
import html.parser
import io
import json

from kit.cases import case
from kit.router import Router
from kit.upstream import Upstream, chat, whole

D = decimal.Decimal
POLICY = """
backends:
  premium: {{ api: openai, url: "{0}", price: {{ input: 2.5, output: 10 }} }}
  cheap: {{ api: openai, url: "{0}", price: {{ input: 0.5, output: 1 }} }}
models: {{ chat: {{ premium: g, cheap: l }}, other: {{ cheap: l, premium: g }} }}
classes: {{ live: {{ serve: now, use: [premium] }}, small: {{ serve: now, use: [cheap] }} }}
routes: [ {{ name: "<b>odd & ends</b>", match: {{ model: other }}, class: small }}, {{ class: live }} ]
baseline: {{ backend: premium, model: requested, serve: now }}
"""
DIMENSIONS = ["tenant", "class", "backend", "model", "route", "tag", "key", "hour", "day", "month"]


class WellFormed(html.parser.HTMLParser):
    """Every element that is opened is closed, and nothing is fetched from anywhere."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags = [], []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        assert tag not in ("script", "link", "img", "iframe", "object", "b" if self.open and self.open[-1] == "th" else "script"), tag
        for name, value in attributes:
            assert name not in ("src", "style") and not (name == "href" and not value.startswith("#")), (tag, name, value)
        self.tags.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (tag, self.getpos())


def first_of(by):
    return by.split(",")[0]


@case("report-formats", "JSON, CSV, Markdown, table and page say the same, by every dimension")
def formats():
    upstream = Upstream(chat(tokens=20, prompt=1000))
    with Router(POLICY.format(upstream.url)) as up:
        for index in range(9):
            headers = {"sluice-tags": "job=<i>eval</i>"} if index % 4 == 0 else {}
            assert up.chat(model="other" if index % 3 == 0 else "chat", headers=headers).status == 200
        up.closed(9)

        def report(form, by):
            return up.run("report", "--data", str(up.data), "--output", form, "--by", by).stdout
        for by in DIMENSIONS + ["class,day", "hour,backend,tenant"]:
            books = json.loads(report("json", by))
            total = books["total"]
            assert sum(D(step["amount"]) for step in books["waterfall"]) == D(total["saved"]), by
            assert D(total["saved"]) == D(total["baseline"]) - D(total["cost"]) and total["requests"] == 9, total
            assert sum(D(row["cost"]) for row in books["rows"]) == D(total["cost"]) and sum(row["requests"] for row in books["rows"]) == 9, by
            lines = list(csv.DictReader(io.StringIO(report("csv", by))))
            for line, row in zip(lines, books["rows"], strict=True):
                usage = {name[6:]: int(count) for name, count in line.items() if name.startswith("usage_")}
                assert usage == {**dict.fromkeys(usage, 0), **row["usage"]}, (by, line)
                for name in set(row) - {"usage", "evidence", first_of(by)} & set(line):
                    wanted = row[name]
                    assert line[name] == ("" if wanted is None else str(wanted)) or D(line[name]) == D(str(wanted)), (by, name, line[name], wanted)
            first = by.split(",")[0]
            assert [line[first] for line in lines] == [row[first] or "" for row in books["rows"]], by
            _, marked, levers = report("md", by).split("\n\n")[:3]
            assert len(marked.splitlines()) == len(lines) + 3 and all(line.startswith("| ") for line in marked.splitlines()), marked
            assert levers.startswith("| where the saving comes from"), levers
            assert "where the saving comes from" in report("table", by)
        page = report("html", "route")
        tags = WellFormed(page).tags
        assert tags.count("svg") >= 4 and tags.count("table") == 3 and len(page) < 100_000, (tags.count("svg"), tags.count("table"), len(page))
        assert "&lt;b&gt;odd &amp; ends&lt;/b&gt;" in page and "<b>odd" not in page and "default-src 'none'" in page
        assert "&lt;i&gt;eval" in report("html", "tag") and "&lt;i>eval" in report("md", "tag")


@case("report-empty", "with nothing recorded every format still says so")
def empty():
    with Router(POLICY.format("http://127.0.0.1:1/v1")) as up:
        for form in ("json", "csv", "md", "table", "html"):
            text = up.run("report", "--data", str(up.data), "--output", form, "--by", "class").stdout
            assert text.strip(), form
        WellFormed(text)
        up.run("report", "--data", str(up.data), "--since", "2026-11-30", "--until", "2026-11-01", expect=64)


@case("report-absurd-usage", "counts that cannot be stand on their rows as they were said, and in no sum; the rows have bounds, and the chain holds")
def absurd():
    said = iter([{"prompt_tokens": 10 ** 30}, {"prompt_tokens": -5}, {"completion_tokens": -(10 ** 12)}, {}])

    def answer(call):
        usage = {"prompt_tokens": 100, "completion_tokens": 20, **next(said)}
        message = {"role": "assistant", "content": "word"}
        yield whole(200, {"id": "c", "object": "chat.completion", "created": 1, "model": call.json["model"], "usage": usage,
                          "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    with Router(POLICY.format(Upstream(answer).url)) as router:
        for _ in range(4):
            assert router.chat(max_tokens=50).status == 200
        rows = router.closed(4)
        assert [row["usage"] for row in rows] == [
            {"input": 10 ** 15, "output": 20}, {"input": -5, "output": 20}, {"input": 100, "output": -(10 ** 12)}, {"input": 100, "output": 20}], rows
        assert [row["flags"] for row in rows] == [["unreconciled", "usage_absurd"]] * 3 + [[]], rows
        assert all(row["cost"] is None and D(row["cost_high"]) < 1 for row in rows[:3]), rows
        total = json.loads(router.run("report", "--output", "json", "--data", str(router.data)).stdout)["total"]
        assert total["usage"] == {"input": 200, "output": 60} and total["unreconciled"] == 3, total
        router.run("audit", "verify", "--data", str(router.data))
        router.run("export", "focus", "--data", str(router.data))
