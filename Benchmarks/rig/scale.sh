#!/bin/bash
# What a request costs with two threads, open connections, backends and routes that it has nothing to do with, beside what it costs without.
# scale.sh [PAIRS] ; SLUICE = a release binary; WHAT picks some of: threads connections backends routes. Each figure is a median of PAIRS (5).
. "$(dirname "$0")/lib.sh"
PAIRS=${1:-5} PORT=${PORT:-8100} WHAT=${WHAT:-threads connections backends routes}
export SLUICE=${SLUICE:-$RIG/../../.build/release/sluice} MODEL=mock-model D=${D:-4} WHAT
[ -z "$IN_SID" ] && IN_SID=1 exec setsid -w "$0" "$@"
echo -20 > /proc/$$/autogroup 2>/dev/null
mock_start; trap 'kill $PROXY_PID $HELD 2>/dev/null; mock_stop' EXIT
once() {  # once "NAME=VALUE ..." : the load's line; CORES, IDLE, THREADS, BACKENDS, ROUTES
  # shellcheck disable=SC2086,SC2163
  export CORES=$PROXY_CPU IDLE= $1
  export PEER_DIR=$RUN/scale; rm -rf "$PEER_DIR"; mkdir -p "$PEER_DIR"; HELD=
  python3 "$RIG/coldstart.py" "$PORT" "$RUN/proxy.pid" "$RUN/scale.log" mock-model taskset -c "$CORES" bash "$RIG/peers/sluice.sh" "$PORT" "$MOCK_PORT" >/dev/null
  PROXY_PID=$(cat "$RUN/proxy.pid")
  if [ -n "$IDLE" ]; then
    python3 -c 'import socket, sys, time
held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(int(sys.argv[2]))]
time.sleep(60)' "$PORT" "$IDLE" > /dev/null & HELD=$!
    while [ "$(ls "/proc/$PROXY_PID/fd" | wc -l)" -lt "$IDLE" ]; do sleep 0.1; done
  fi
  ld -m closed -c 32 "127.0.0.1:$PORT"
  kill "$PROXY_PID" $HELD; while kill -0 "$PROXY_PID" 2>/dev/null; do sleep 0.05; done
}
pair() { echo "{\"what\":\"$1\",\"without\":$(once "$2"),\"with\":$(once "$3")}"; }
for _ in $(seq "$PAIRS"); do for what in $WHAT; do case $what in
  threads) pair "two threads" "CORES=0,1" "CORES=0,1 THREADS=2";;
  connections) pair "2,000 open connections" "" IDLE=2000;;
  backends) pair "100 other backends" "" BACKENDS=100;;
  routes) pair "1,000 other routes" "" ROUTES=1000;;
esac; done; done | python3 -c '
import json, statistics, sys
pairs = {}
for line in sys.stdin:
    pair = json.loads(line)
    pairs.setdefault(pair["what"], []).append(pair)
    costs = [pair[side]["proxy"]["cpu_us_per_req"] for side in ("without", "with")]
    foreign = max(pair[side].get("foreign_cpu") or 0 for side in ("without", "with"))
    print("# {}: {:.1f} then {:.1f} µs (others used {:.2f} cores)".format(pair["what"], *costs, foreign), file=sys.stderr, flush=True)
for what, own in pairs.items():
    cost = {side: statistics.median(pair[side]["proxy"]["cpu_us_per_req"] for pair in own) for side in ("without", "with")}
    rate = {side: statistics.median(pair[side]["rps"] for pair in own) for side in ("without", "with")}
    print("{}: {:.1f} → {:.1f} µs of CPU a request, {:,.0f} → {:,.0f} requests/s".format(what, cost["without"], cost["with"], rate["without"], rate["with"]))
'
