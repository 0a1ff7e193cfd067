#!/usr/bin/env bash
# This platform, everything on: its own tokens, subscription, rate, digests, and the journal on the
# disk before each answer leaves. One worker thread.
. "$(dirname "$0")/_lib.sh"
. "$(dirname "$0")/_lgsp.sh"
lgsp_contender
