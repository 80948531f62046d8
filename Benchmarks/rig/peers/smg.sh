#!/bin/bash
# Shepherd Model Gateway (Rust core, formerly sglang-router), round robin over one worker. smg.sh PORT UPSTREAM_PORT
cd "${PEER_DIR:-$(mktemp -d -t smg.XXXX)}"
exec ${BENCH:-.bench}/venv-smg/bin/smg launch --host 127.0.0.1 --port $1 --worker-urls http://127.0.0.1:$2 --policy round_robin --log-level error \
 --prometheus-port $(($1+500)) --prometheus-host 127.0.0.1 --max-concurrent-requests 20000 --worker-startup-check-interval 1 --disable-load-monitoring
