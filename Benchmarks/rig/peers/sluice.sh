#!/bin/bash
# Sluice itself: policy with a ledger, one backend, price known. sluice.sh PORT UPSTREAM_PORT ; SLUICE=path of the release binary
# UPSTREAM: another address of the backend (sluicetls.sh). THREADS (1); ROUTES, BACKENDS: so many more that the request has nothing to do with (scale.sh)
D=${PEER_DIR:-$(mktemp -d -t sluice.XXXX)}; mkdir -p "$D/policies"
cat > "$D/policies/bench.yaml" <<C
version: 1
server: { listen: 127.0.0.1:$1, admin: 127.0.0.1:$(($1 + 1001)) }
backends:
  mock: { url: "${UPSTREAM:-http://127.0.0.1:$2}/v1", price: { input: 2.50, cached: 0.25, output: 10.00 } }
$(for ((n = 1; n <= ${BACKENDS:-0}; n++)); do echo "  other-$n: { url: \"http://127.0.0.1:$2/v1\", price: { input: 1, output: 1 } }"; done)
models:
  mock-model: { mock: mock-model }
$(for ((n = 1; n <= ${BACKENDS:-0}; n++)); do echo "  model-$n: { other-$n: model-$n }"; done)
classes:
  realtime: { serve: now, latency: { first_token: 5s, total: 300s }, use: [mock] }
  batch: { serve: later, deadline: 24h, use: [mock] }
routes:
$(for ((n = 1; n <= ${ROUTES:-0}; n++)); do echo "  - { match: { metadata: { team: team-$n } }, class: realtime }"; done)
  - { match: { async: true }, class: batch }
  - { class: realtime }
baseline: { backend: mock, model: requested, serve: now }
C
exec "${SLUICE:?set SLUICE to the release binary}" serve --threads ${THREADS:-1} --config "$D/policies" --data "$D/data"
