#!/bin/bash
# Traefik (Go), file provider, GOMAXPROCS=1. traefik.sh PORT UPSTREAM_PORT
D=${PEER_DIR:-$(mktemp -d -t traefik.XXXX)}
cat > $D/t.yml <<C
global: { checkNewVersion: false, sendAnonymousUsage: false }
log: { level: ERROR }
entryPoints: { web: { address: "127.0.0.1:$1" } }
providers: { file: { filename: $D/d.yml, watch: false } }
serversTransport: { maxIdleConnsPerHost: 4096 }
C
cat > $D/d.yml <<C
http:
  routers: { r: { rule: "PathPrefix(\`/\`)", service: s, entryPoints: [web] } }
  services: { s: { loadBalancer: { responseForwarding: { flushInterval: "-1ms" }, servers: [ { url: "http://127.0.0.1:$2" } ] } } }
C
export GOMAXPROCS=1; exec ${BENCH:-.bench}/venv-traefik/bin/traefik --configFile=$D/t.yml
