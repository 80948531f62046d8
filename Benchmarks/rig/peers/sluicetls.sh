#!/bin/bash
# Sluice with an https backend, over libcurl (tls.sh start puts TLS in front of the mock). sluicetls.sh PORT UPSTREAM_PORT
UPSTREAM=https://127.0.0.1:9543 SSL_CERT_FILE=$RUN/tls/c.pem exec bash "$(dirname "$0")/sluice.sh" "$@"
