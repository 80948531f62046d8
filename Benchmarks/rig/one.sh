#!/bin/bash
# All tests on one peer, once. one.sh NAME [rep] : NAME is a script in peers/ or "direct" (no proxy). Appends JSON lines to $OUT.
# SET: c32 = 32 connections closed loop, b256 = the same with 256 KB bodies, r500 = 500 rps open loop, s500 = 500 SSE streams at 50 chunks/s (s200: so few that no proxy fills the core), l2000 = 2,000 at 20 chunks/s.
# Takes about 40 s; hold the machine's CPU lock around it (matrix.sh does). SET: which tests (default by peer).
. "$(dirname "$0")/lib.sh"; N=$1; REP=${2:-1}; PORT=${PORT:-8100}; OUT=${OUT:-$BENCH/results.jsonl}
MODEL=; ASKED=$SET; SET=${SET:-"c32 c256 b256 r500 s200 s500 l2000"}; [ -f "$RIG/peers/$N.env" ] && . "$RIG/peers/$N.env"
# NETNS=1 in the .env: run in a network namespace of our own (a peer with fixed ports)
[ -n "$NETNS" ] && [ -z "$IN_NS" ] && IN_NS=1 exec unshare -n bash -c 'ip link set lo up; exec "$0" "$@"' "$0" "$@"
# A session of our own with autogroup nice -20: niceness counts between autogroups only through this file.
[ -z "$IN_SID" ] && IN_SID=1 exec setsid -w "$0" "$@"
echo -20 > /proc/$$/autogroup 2>/dev/null
mock_start -n 100 -i 20000; trap 'stop' EXIT
stop() { if [ -n "$PROXY_PID" ]; then kill $PROXY_PID 2>/dev/null; for i in $(seq 60); do kill -0 $PROXY_PID 2>/dev/null || break; sleep 0.05; done; kill -9 $PROXY_PID 2>/dev/null; PROXY_PID=; fi; mock_stop; }
ADDR=127.0.0.1:$MOCK_PORT; PROXY_PID=
if [ "$N" != direct ]; then
  ADDR=127.0.0.1:$PORT
  export PEER_DIR=$RUN/$N; rm -rf "$PEER_DIR"; mkdir -p "$PEER_DIR"
  c=$(python3 "$RIG/coldstart.py" $PORT $RUN/proxy.pid $RUN/$N.log "${MODEL:-mock-model}" taskset -c $PROXY_CPU nice -n $NICE bash "$RIG/peers/$N.sh" $PORT $MOCK_PORT)
  PROXY_PID=$(cat $RUN/proxy.pid); sleep 0.5
  rss=$(for p in $PROXY_PID $(pgrep -P $PROXY_PID); do grep -h ^Pss: /proc/$p/smaps_rollup; done 2>/dev/null | awk '{s+=$2} END {printf "%.1f", s/1024}')
  echo "{\"label\":\"$N:cold:$REP\",\"cold\":$c,\"idle_pss_mb\":${rss:-0}}" >> $OUT
fi
t() {  # t NAME CMD... : run; again once if somebody else used more than FOREIGN (0.12) cores
  local n=$1; shift; LABEL=$N:$n:$REP
  for k in 1 2; do r=$("$@"); f=$(sed -n 's/.*"foreign_cpu":\(-\?[0-9.]*\).*/\1/p' <<<"$r"); awk "BEGIN{exit !(${f:-0} > ${FOREIGN:-0.12})}" || break; [ $k = 1 ] && echo "# again: $n foreign $f" >&2; done
  echo "$r" >> $OUT
}
for x in $SET; do case $x in
  c*) t $x ld -m closed -c ${x#c} $ADDR;;
  b*) BODY=$((${x#b} * 1024)) t $x ld -m closed -c 32 $ADDR;;
  r*) t $x ld -m rate -r ${x#r} -c 64 $ADDR;;
  l*) mock_conf 'chunks=40&interval_us=50000'; n=${x#l}; t $x ld -m stream -c $n -R $([ $n -gt 1000 ] && echo 2 || echo 1) $ADDR;;  # 20 chunks/s a stream
  s*) mock_conf 'chunks=100&interval_us=20000'; n=${x#s}; t $x ld -m stream -c $n -R $([ $n -gt 1000 ] && echo 2 || echo 1) $ADDR;;
esac; done
