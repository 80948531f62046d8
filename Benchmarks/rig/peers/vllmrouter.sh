#!/bin/bash
# vLLM router (Rust core, Python launcher), round robin over one worker. vllmrouter.sh PORT UPSTREAM_PORT
cd "${PEER_DIR:-$(mktemp -d -t vllmrouter.XXXX)}"
exec ${BENCH:-.bench}/venv-vllmrouter/bin/vllm-router --host 127.0.0.1 --port $1 --worker-urls http://127.0.0.1:$2 --policy round_robin --log-level error \
 --prometheus-port $(($1+500)) --prometheus-host 127.0.0.1 --max-concurrent-requests 20000 --worker-startup-check-interval 1 --health-check-interval-secs 60
