#!/bin/bash
# Envoy, one worker, static route, no access log, circuit breakers opened wide. envoy.sh PORT UPSTREAM_PORT
D=${PEER_DIR:-$(mktemp -d -t envoy.XXXX)}
cat > $D/e.yaml <<C
static_resources:
  listeners:
  - name: l
    address: { socket_address: { address: 127.0.0.1, port_value: $1 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: i
          generate_request_id: false
          route_config:
            virtual_hosts:
            - { name: v, domains: ["*"], routes: [ { match: { prefix: "/" }, route: { cluster: c, timeout: 0s } } ] }
          http_filters:
          - { name: envoy.filters.http.router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }
  clusters:
  - name: c
    type: STATIC
    connect_timeout: 5s
    circuit_breakers: { thresholds: [ { max_connections: 20000, max_pending_requests: 20000, max_requests: 20000 } ] }
    load_assignment: { cluster_name: c, endpoints: [ { lb_endpoints: [ { endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: $2 } } } } ] } ] }
C
exec ${ENVOY:-$(ls ${BENCH:-.bench}/venv-envoy/lib/python3*/site-packages/envoy/_bin/envoy)} -c $D/e.yaml --concurrency 1 --log-level error --disable-hot-restart
