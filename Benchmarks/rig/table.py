#!/usr/bin/env python3
"""table.py results.jsonl: one Markdown table, a row for each peer, medians over the repetitions. CPU beside the ratio to nginx (nginxtls) of the same run;
latency at 500 requests a second as what the proxy adds to `direct`, the load without a proxy, whose own row has it whole. Under TLS=1 `direct` is plain, so
that what TLS takes on the backend's side is added too."""
import collections
import json
import statistics
import sys

CPU, CHUNK = ("proxy", "cpu_us_per_req"), ("proxy", "cpu_us_per_chunk")
# Name, test (None: any), path in its JSON, factor, digits, what it is compared with.
COLUMNS = [
    ("CPU µs a request, 32 connections", "c32", CPU, 1, 1, "ratio"),
    ("256 connections", "c256", CPU, 1, 1, "ratio"),
    ("p50 added at 500 requests/s, ms", "r500", ("lat_us", "p50"), 1e-3, 2, "added"),
    ("p99 added", "r500", ("lat_us", "p99"), 1e-3, 2, "added"),
    ("CPU µs an SSE chunk, 500 streams", "s500", CHUNK, 1, 1, "ratio"),
    ("first chunk p50, 200 streams, ms", "s200", ("ttft_us", "p50"), 1e-3, 2, None),
    ("500 streams of 50 chunks/s", "s500", ("ttft_us", "p50"), 1e-3, 2, None),
    ("chunk p99", "s500", ("chunk_us", "p99"), 1e-3, 2, None),
    ("2,000 streams of 20/s: first chunk p50, ms", "l2000", ("ttft_us", "p50"), 1e-3, 2, None),
    ("chunk p99", "l2000", ("chunk_us", "p99"), 1e-3, 2, None),
    ("delivered", "l2000", ("chunks_per_s",), 1, 0, "share"),
    ("256 kB bodies/s", "b256", ("rps",), 1, 0, None),
    ("PSS idle, MB", "cold", ("idle_pss_mb",), 1, 0, None),
    ("RSS, 500 streams", "s500", ("proxy", "rss_mb"), 1, 0, None),
    ("2,000 streams", "l2000", ("proxy", "rss_mb"), 1, 0, None),
    ("cold start, ms", "cold", ("cold", "cold_ms"), 1, 0, None),
    ("CPU of others, cores", None, ("foreign_cpu",), 1, 2, None),
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
        _, test, path, scale, _, _ = column
        picked = [row for (other, kind), found in rows.items() if other == peer and test in (kind, None) for row in found]
        values = [found * scale for row in picked if (found := value(row, path)) is not None]
        return statistics.median(values) if values else None

    def cell(peer, column):
        mine, digits, against = median(peer, column), column[4], column[5]
        if mine is None:
            return "–"
        if against == "ratio" and peer != yardstick and (nginx := median(yardstick, column)):
            return f"{mine:.{digits}f} (×{mine / nginx:.2f})"
        if against in ("added", "share") and peer != "direct":
            if not (direct := median("direct", column)):
                return "–"
            return f"{mine - direct:.{digits}f}" if against == "added" else f"{mine / direct:.1%}"
        return f"{mine:.{digits}f}"

    print("| | " + " | ".join(column[0] for column in COLUMNS) + " |")
    print("|" + " --- |" * (len(COLUMNS) + 1))
    for peer in peers:
        print(f"| {peer} | " + " | ".join(cell(peer, column) for column in COLUMNS) + " |")
    bad = sum((value(row, (key,)) or 0) for found in rows.values() for row in found for key in ("err", "non2xx", "incomplete", "timeouts"))
    if bad:
        sys.exit(f"table: {bad} requests or streams failed; these figures say nothing")


if __name__ == "__main__":
    main(sys.argv[1])
