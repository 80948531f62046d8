"""The FOCUS export: it adds up to the ledger, and the FinOps Foundation's own validator takes it."""
import csv
import decimal
import io
import json
import os
import re
import stat
import subprocess

from cases.reconcile import Books
from kit.cases import Skip, case, python_of

D = decimal.Decimal
#: Rules that are wrong in the validator itself: the first three turn their condition round, the last has none.
WRONG = {"CommitmentDiscountStatus-C-000-C", "CommitmentDiscountStatus-C-002-C", "CommitmentDiscountStatus-C-004-C", "InvoiceId-C-005-C"}
#: What the dataset as a whole says when one of them fails.
PARENTS = {"CostAndUsage-D-000-M", "CostAndUsage-D-002-M"}
#: What Sluice has: no zones, no capacity reservations.
CRITERIA = ("ACCOUNT_NAMING_SUPPORTED,COMMITMENT_DISCOUNT_SUPPORTED,MULTIPLE_PRICING_CATEGORIES_SUPPORTED,MULTIPLE_SUB_ACCOUNT_TYPES_SUPPORTED,"
            "MULTIPLE_BILLING_ACCOUNT_TYPES_SUPPORTED,NEGOTIATED_PRICING_SUPPORTED,PUBLIC_PRICE_LIST_SUPPORTED,USAGE_MEASUREMENT_SUPPORTED,UNIT_PRICING_SUPPORTED,"
            "SUB_ACCOUNT_SUPPORTED,BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED,RESOURCE_TYPE_ASSIGNMENT_SUPPORTED,PRICING_BILLING_CURRENCY_DIFFERENCES_SUPPORTED,"
            "VIRTUAL_CURRENCY_SUPPORTED,TAGGING_SUPPORTED")


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def failed_rules(path):
    """The rules of FOCUS 1.2 that a file breaks."""
    python = python_of("focus")
    # It opens its list of currencies by a path below the folder of the packages.
    packages = next((python.parent.parent / "lib").glob("python3.*")) / "site-packages"
    done = subprocess.run(
        [python.parent / "focus-validator", "--data-file", str(path), "--validate-version", "1.2", "--block-download", "--applicability-criteria", CRITERIA,
         "--focus-dataset", "CostAndUsage", "--show-violations"], cwd=packages, capture_output=True, text=True, timeout=300)
    assert "✅" in done.stdout, done.stderr[-800:]
    return set(re.findall(r"❌ (\S+): FAIL", done.stdout))


def agrees_with_report(router):
    """What is an interval stands in columns of its own, which add up to what a report says of it."""
    total = json.loads(router.run("report", "--data", str(router.data), "--output", "json").stdout)["total"]
    found = rows(router.run("export", "focus", "--data", str(router.data)).stdout)
    for column, figure in [("x_SluiceCostLow", "cost_low"), ("x_SluiceCostHigh", "cost_high"), ("x_SluiceBaselineCost", "baseline"), ("x_SluiceWasteCost", "waste")]:
        assert sum(D(row[column]) for row in found) == D(total[figure]), (column, total[figure], [(row["SkuMeter"], row[column]) for row in found])


@case("focus-validator", "PyPI's focus-validator 2.2.1 finds nothing but the four rules that are wrong in itself", limit=400)
def validator():
    with Books() as books:
        path = books.router.folder / "focus.csv"
        books.router.run("export", "focus", "--data", str(books.router.data), "--to", str(path))
        failed = failed_rules(path)
        assert failed - PARENTS <= WRONG, failed - PARENTS - WRONG


@case("focus-sums", "costs and tokens are those of the ledger, hour by hour, and list price times quantity is list cost")
def sums():
    with Books() as books:
        text = books.router.run("export", "focus", "--data", str(books.router.data)).stdout
        found = rows(text)
        cost = sum(D(entry["cost"]) for entry in books.router.ledger() if entry["kind"] == "settled")
        assert sum(D(row["EffectiveCost"]) for row in found) == cost == sum(D(row["BilledCost"]) for row in found)
        assert all(D(row["ListUnitPrice"]) * D(row["PricingQuantity"]) == D(row["ListCost"]) for row in found)
        assert sum(D(row["x_SluiceBaselineCost"]) for row in found) == cost
        tokens = {}
        for row in found:
            tokens[row["SkuMeter"]] = tokens.get(row["SkuMeter"], 0) + D(row["ConsumedQuantity"])
        truth = [sum(call.usage[kind] for call in books.upstream.posts()) for kind in ("input", "cached_input", "output")]
        assert [tokens["Input Tokens"], tokens["Cached Input Tokens"], tokens["Output Tokens"] + tokens["Reasoning Tokens"]] == truth, tokens
        head = text.splitlines()[0].split(",")
        own = [name for name in head if name.startswith("x_")]
        assert head[-len(own):] == own and "" not in {cell for row in found for cell in row.values()}, "custom columns come last, and nulls are NULL"
        newer = rows(books.router.run("export", "focus", "--focus-version", "1.4", "--data", str(books.router.data)).stdout)[0]
        assert "ProviderName" not in newer and newer["ServiceProviderName"] == "openai" and newer["AllocatedTags"] == "NULL"


@case("focus-parquet", "Parquet is written through DuckDB's command line, with decimals as decimals; without it the message says so")
def parquet():
    with Books() as books:
        path = books.router.folder / "focus.parquet"
        arguments = ["export", "focus", "--format", "parquet", "--to", str(path), "--data", str(books.router.data)]
        books.router.environment["PATH"] = str(books.router.folder)
        done = books.router.run(*arguments, expect=2)
        assert "duckdb" in done.stderr and "CSV" in done.stderr and not path.exists(), done.stderr
        python = python_of("focus")
        # DuckDB as a Python package, in the clothes of its command line.
        shim = books.router.folder / "duckdb"
        shim.write_text(f"#!{python}\nimport sys, duckdb\nduckdb.sql(sys.argv[sys.argv.index('-c') + 1])\n")
        shim.chmod(stat.S_IRWXU)
        books.router.run(*arguments)
        text = subprocess.run(
            [python, "-c", f"import duckdb, json; c = duckdb.sql(\"select * from read_parquet('{path}')\"); print(json.dumps([[str(x) for x in r] for r in "
                           "c.select('EffectiveCost').fetchall()])); print([str(t) for n, t in zip(c.columns, c.types) if n in ('EffectiveCost', 'ChargePeriodStart')])"],
            capture_output=True, text=True, check=True).stdout.splitlines()
        cost = sum(D(entry["cost"]) for entry in books.router.ledger() if entry["kind"] == "settled")
        assert sum(D(row[0]) for row in json.loads(text[0])) == cost, text
        assert "DECIMAL(38,12)" in text[1] and "TIMESTAMP" in text[1], text[1]
        assert os.listdir(books.router.folder).count("focus.parquet.csv.part") == 0
