#!/bin/bash
# What the ledger adds to a live request: Sluice with it and without it, one after the other on the same core, PAIRS (5) times.
# ledger.sh [PAIRS] ; SLUICE = a release binary, WITHOUT = one that was built not to write live calls, in a folder of its own:
#   swift build -c release --static-swift-stdlib --product sluice -Xswiftc -DBENCH_WITHOUT_LEDGER --scratch-path .build/without-ledger
# CONNECTIONS=32. Each pair is a line; the difference is what counts, and its median is the last line.
. "$(dirname "$0")/lib.sh"
PAIRS=${1:-5} PORT=${PORT:-8100}
WITH=${SLUICE:-$RIG/../../.build/release/sluice} WITHOUT=${WITHOUT:-$RIG/../../.build/without-ledger/release/sluice}
export WITH WITHOUT MODEL=mock-model D=${D:-4}
[ -z "$IN_SID" ] && IN_SID=1 exec setsid -w "$0" "$@"
echo -20 > /proc/$$/autogroup 2>/dev/null
mock_start; trap 'kill $PROXY_PID 2>/dev/null; mock_stop' EXIT
once() {  # once BINARY: CPU of the router in microseconds a request
  export PEER_DIR=$RUN/ledger; rm -rf "$PEER_DIR"; mkdir -p "$PEER_DIR"
  SLUICE=$1 python3 "$RIG/coldstart.py" "$PORT" "$RUN/proxy.pid" "$RUN/ledger.log" mock-model taskset -c "$PROXY_CPU" bash "$RIG/peers/sluice.sh" "$PORT" "$MOCK_PORT" >/dev/null
  PROXY_PID=$(cat "$RUN/proxy.pid")
  ld -m closed -c "${CONNECTIONS:-32}" "127.0.0.1:$PORT"
  kill "$PROXY_PID"; while kill -0 "$PROXY_PID" 2>/dev/null; do sleep 0.05; done
}
for pair in $(seq "$PAIRS"); do echo "{\"with\":$(once "$WITH"),\"without\":$(once "$WITHOUT")}"; done | python3 -c '
import json, statistics, sys
pairs = []
for line in sys.stdin:
    pair = json.loads(line)
    with_it, without = (pair[side]["proxy"]["cpu_us_per_req"] for side in ("with", "without"))
    foreign = max(pair[side].get("foreign_cpu") or 0 for side in ("with", "without"))
    pairs.append((with_it, without))
    print(f"with {with_it:.1f} µs, without {without:.1f} µs of CPU a request; the ledger adds {with_it - without:.1f} (others used {foreign:.2f} cores)", flush=True)
added = statistics.median(a - b for a, b in pairs)
print(f"median of {len(pairs)} pairs: {added:.1f} µs a request, {100 * added / statistics.median(a for a, _ in pairs):.0f} % of all")
'
