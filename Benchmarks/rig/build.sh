#!/bin/bash
# Builds mock and load (C, no dependency) and sqlq (needs libsqlite3-dev) into $BENCH.
BENCH=${BENCH:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/.bench}; mkdir -p "$BENCH"
cd "$(dirname "$0")" && for p in mock load; do ${CC:-cc} -O2 -Wall -o "$BENCH/$p" $p.c || exit 1; done
[ -f sqlq.c ] && ${CC:-cc} -O2 -Wall -o "$BENCH/sqlq" sqlq.c -lsqlite3
