#!/usr/bin/env python3
"""table.py results.jsonl: one Markdown table, a row for each peer, medians over the repetitions, and the ratio to nginx (nginxtls) of the same run."""
import collections
import json
import statistics
import sys

COLUMNS = [
    ("CPU µs a request, 32 connections", "c32", ("proxy", "cpu_us_per_req"), 1),
    ("256 connections", "c256", ("proxy", "cpu_us_per_req"), 1),
    ("latency p50 at 500 requests/s, ms", "r500", ("lat_us", "p50"), 1 / 1000),
    ("p99", "r500", ("lat_us", "p99"), 1 / 1000),
    ("CPU µs an SSE chunk, 500 streams", "s500", ("proxy", "cpu_us_per_chunk"), 1),
    ("first chunk p50, 200 streams, ms", "s200", ("ttft_us", "p50"), 1 / 1000),
    ("500 streams, ms", "s500", ("ttft_us", "p50"), 1 / 1000),
    ("chunk p99, 2,000 streams, ms", "l2000", ("chunk_us", "p99"), 1 / 1000),
    ("RSS at 500 streams, MB", "s500", ("proxy", "rss_mb"), 1),
    ("at 2,000", "l2000", ("proxy", "rss_mb"), 1),
    ("cold start, ms", "cold", ("cold", "cold_ms"), 1),
    ("CPU of others, cores", None, ("foreign_cpu",), 1),
]


def value(row, path):
    for key in path:
        row = row.get(key) if isinstance(row, dict) else None
    return row


def main(path):
    rows = collections.defaultdict(list)
    with open(path) as lines:
        for row in (json.loads(line) for line in lines if line.startswith("{")):
            peer, test, _ = row["label"].split(":")
            rows[peer, test].append(row)
    peers = list(dict.fromkeys(peer for peer, _ in rows))
    yardstick = next(peer for peer in peers if peer.startswith("nginx"))

    def median(peer, column):
        _, test, path, scale = column
        picked = [row for (other, kind), found in rows.items() if other == peer and test in (kind, None) for row in found]
        values = [found * scale for row in picked if (found := value(row, path)) is not None]
        return statistics.median(values) if values else None

    def cell(peer, column):
        mine, nginx = median(peer, column), median(yardstick, column)
        if mine is None:
            return "–"
        text = f"{mine:.2f}" if column[1] is None else f"{mine:.1f}"
        return text if peer == yardstick or not nginx or column[1] is None else f"{text} (×{mine / nginx:.2f})"

    print("| | " + " | ".join(column[0] for column in COLUMNS) + " |")
    print("|" + " --- |" * (len(COLUMNS) + 1))
    for peer in peers:
        print(f"| {peer} | " + " | ".join(cell(peer, column) for column in COLUMNS) + " |")
    bad = sum((value(row, (key,)) or 0) for found in rows.values() for row in found for key in ("err", "non2xx", "incomplete", "timeouts"))
    if bad:
        sys.exit(f"table: {bad} requests or streams failed; these figures say nothing")


if __name__ == "__main__":
    main(sys.argv[1])
