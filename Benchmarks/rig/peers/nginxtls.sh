#!/bin/bash
# nginx with an https upstream (tls.sh start puts TLS in front of the mock). nginxtls.sh PORT UPSTREAM_PORT
D=${PEER_DIR:-$(mktemp -d -t nginx.XXXX)}
cat > $D/n.conf <<C
daemon off; worker_processes 1; pid $D/pid; error_log $D/err crit; worker_rlimit_nofile 20000;
events { worker_connections 9000; multi_accept on; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; client_body_buffer_size 1m; client_max_body_size 64m;
 client_body_temp_path $D/b; proxy_temp_path $D/p; fastcgi_temp_path $D/f; uwsgi_temp_path $D/u; scgi_temp_path $D/s;
 upstream u { server 127.0.0.1:9543; keepalive 4096; keepalive_requests 1000000000; }
 server { listen 127.0.0.1:$1 backlog=8192; location / { proxy_pass https://u; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_read_timeout 300s; } } }
C
exec /usr/sbin/nginx -p $D -c $D/n.conf
