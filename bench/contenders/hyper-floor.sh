#!/usr/bin/env bash
# Our own least gateway on hyper and hyper-util's client (floor/): one current-thread runtime,
# rustls with ring, mimalloc, log buffered by 64 KiB. What the framework itself costs.
. "$(dirname "$0")/_lib.sh"
says modes=plain,gw,tls
export GEN RUN MODE RL PORT TLSPORT BACKEND_PORT
exec "$BENCH_WORK/target-floor/release/hgw"
