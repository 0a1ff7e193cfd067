#!/usr/bin/env bash
# The same without the digests of bodies: what they cost.
. "$(dirname "$0")/_lib.sh"
. "$(dirname "$0")/_lgsp.sh"
export LGSP_BENCH_DIGEST=off
lgsp_contender "$BENCH_WORK/lgsp-share"
