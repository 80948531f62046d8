#!/bin/bash
# HAProxy, one thread, HTTP mode, connection reuse, http-no-delay (without it HAProxy corks and SSE chunks wait up to 200 ms). haproxy.sh PORT UPSTREAM_PORT
D=${PEER_DIR:-$(mktemp -d -t haproxy.XXXX)}
cat > $D/h.cfg <<C
global
  nbthread 1
  maxconn 9000
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  option http-keep-alive
  option http-no-delay
  http-reuse always
frontend f
  bind 127.0.0.1:$1
  default_backend b
backend b
  server s 127.0.0.1:$2
C
exec ${HAPROXY:-haproxy} -db -f $D/h.cfg
