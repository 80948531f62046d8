# lib.sh - shared by the scripts of the rig; source it.
RIG=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BENCH=${BENCH:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/.bench}; RUN=${RUN:-$BENCH/run}; mkdir -p "$RUN"
export BENCH RUN
MOCK_PORT=${MOCK_PORT:-9100}; PROXY_CPU=${PROXY_CPU:-0}; LOAD_CPU=${LOAD_CPU:-1}; LOCK=${LOCK:-$BENCH/cpu.lock}
D=${D:-6}; W=${W:-1}; BODY=${BODY:-1024}; NICE=${NICE:-0}
[ -x "$BENCH/mock" ] && [ -x "$BENCH/load" ] || "$RIG/build.sh" >&2
pin() { local c=$1; shift; taskset -c "$c" nice -n "$NICE" "$@"; }          # pin CPU CMD...
mock_start() {   # mock_start [mock options]; sets MOCK_PID
  taskset -c "$LOAD_CPU" nice -n "$NICE" "$BENCH/mock" -p "$MOCK_PORT" "$@" >/dev/null 2>&1 & MOCK_PID=$!; echo "$MOCK_PID" > "$RUN/mock.pid"; sleep 0.2
}
mock_stop() { [ -n "$MOCK_PID" ] && kill "$MOCK_PID" 2>/dev/null; wait "$MOCK_PID" 2>/dev/null; MOCK_PID=; }
mock_conf() { curl -s "http://127.0.0.1:$MOCK_PORT/__config?$1" >/dev/null; }  # mock_conf 'delay_us=0&chunks=100&interval_us=20000'
ld() {   # ld ARGS... : the load generator, pinned, with the accounting of $PROXY_PID and $MOCK_PID
  taskset -c "$LOAD_CPU" nice -n "$NICE" "$BENCH/load" ${PROXY_PID:+-P $PROXY_PID} ${MOCK_PID:+-Q $MOCK_PID} ${MODEL:+-M $MODEL} ${LABEL:+-L $LABEL} -b "$BODY" -d "$D" -w "$W" "$@"
}
