#!/bin/bash
# Which functions of the program a request runs through, most used first: what Package.swift has the linker lay beside each other.
# order.sh > Sources/sluice/symbols.order ; SLUICE = a release binary. Whole answers, then streams, sampled by perf.
. "$(dirname "$0")/lib.sh"
PORT=${PORT:-8100}; export SLUICE=${SLUICE:-$RIG/../../.build/release/sluice} MODEL=mock-model
mock_start -n 60 -i 10000; trap 'kill $PROXY_PID 2>/dev/null; mock_stop' EXIT
export PEER_DIR=$RUN/order; rm -rf "$PEER_DIR"; mkdir -p "$PEER_DIR"
python3 "$RIG/coldstart.py" "$PORT" "$RUN/proxy.pid" "$RUN/order.log" mock-model taskset -c "$PROXY_CPU" bash "$RIG/peers/sluice.sh" "$PORT" "$MOCK_PORT" >/dev/null
PROXY_PID=$(cat "$RUN/proxy.pid")
sampled() {  # sampled NAME CMD...: runs it under perf
  perf record -q -F 9000 -e cpu-clock:u -g -p "$PROXY_PID" -o "$RUN/$1.perf" -- "${@:2}" >/dev/null 2>&1
  perf script -i "$RUN/$1.perf" --no-inline -F ip,sym,dso 2>/dev/null
}
export -f ld
export PROXY_PID MOCK_PID LOAD_CPU NICE BODY W
{
  D=6 sampled whole bash -c "ld -m closed -c 32 127.0.0.1:$PORT"
  D=4 sampled streams bash -c "ld -m stream -c 200 -R 2 127.0.0.1:$PORT"
} | python3 -c '
import collections, re, sys
# A function counts once in each sample in whose stack it stands.
counts, stack = collections.Counter(), set()
for line in sys.stdin:
    match = re.match(r"\s+[0-9a-f]+ (\S+)(?:\+0x[0-9a-f]+)? \((.*)\)$", line)
    if match and match[2].endswith("/sluice") and "@plt" not in match[1] and match[1] != "[unknown]":
        stack.add(match[1])
    elif not line.strip():
        counts.update(stack)
        stack = set()
for name, _ in counts.most_common():
    print(name)
'
