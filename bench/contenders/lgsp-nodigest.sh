#!/usr/bin/env bash
# The same without the digests of bodies: what they cost.
. "$(dirname "$0")/_lib.sh"
. "$(dirname "$0")/_lgsp.sh"
lgsp_contender --measure without-digests
