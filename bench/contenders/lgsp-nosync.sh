#!/usr/bin/env bash
# The same without fdatasync: what waiting for the disk costs.
. "$(dirname "$0")/_lib.sh"
. "$(dirname "$0")/_lgsp.sh"
lgsp_contender --measure without-sync
