#!/usr/bin/env bash
# Our own least gateway on pingora-proxy 0.8 (floor/), one thread, mimalloc. Built only when
# setup.sh runs with BENCH_FLOORS=all.
. "$(dirname "$0")/_lib.sh"
says modes=plain,gw
export GEN RUN MODE RL PORT TLSPORT BACKEND_PORT
exec "$BENCH_WORK/target-floor/release/pgw"
