#!/bin/bash
# nginx as a plain reverse proxy, one worker, upstream keep-alive, SSE not buffered. nginx.sh PORT UPSTREAM_PORT
D=${PEER_DIR:-$(mktemp -d -t nginx.XXXX)}; BIN=${NGINX:-/usr/sbin/nginx}   # Debian's: a static musl -Os build costs 32 us a request where this one costs 19
cat > $D/n.conf <<C
daemon off; worker_processes 1; pid $D/pid; error_log $D/err crit; worker_rlimit_nofile 20000;
events { worker_connections 9000; multi_accept on; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; client_body_buffer_size 1m; client_max_body_size 64m;
 client_body_temp_path $D/b; proxy_temp_path $D/p; fastcgi_temp_path $D/f; uwsgi_temp_path $D/u; scgi_temp_path $D/s;
 upstream u { server 127.0.0.1:$2; keepalive 4096; keepalive_requests 1000000000; }
 server { listen 127.0.0.1:$1 backlog=8192; location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_read_timeout 300s; } } }
C
exec $BIN -p $D -c $D/n.conf
