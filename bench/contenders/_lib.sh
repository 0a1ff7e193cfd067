# shellcheck shell=bash
# Shared by the contenders. A contender is asked with one verb:
#   info     prints one line: modes=plain,gw,tls and, where it has them, tokens=own
#   prepare  does what belongs before the run and into nobody's account
#   start    execs the server, on one worker thread
#   records  prints how many calls it recorded; nothing: one line a call in $RUN/access.log
# The driver gives, and by hand these hold: PORT, TLSPORT, BACKEND_PORT, RUN (scratch folder),
# MODE (plain: proxy everything; gw: the job; tls: on TLSPORT too), RL (requests a second).
: "${BENCH_WORK:=/tmp/benchwork}" "${PORT:=8080}" "${TLSPORT:=8443}" "${BACKEND_PORT:=9000}"
: "${MODE:=plain}" "${RL:=1000000}" "${RUN:=$BENCH_WORK/run/$(basename "$0" .sh)}"
HERE=$(cd "$(dirname "$0")/.." && pwd)
GEN=$BENCH_WORK/gen
VERB=${1:-start}
mkdir -p "$RUN"
ulimit -n 60000 2>/dev/null

# what it says of itself; the other verbs of a contender that has nothing to say there
says() {
    case $VERB in
        info) echo "$*"; exit ;;
        prepare | records) exit ;;
    esac
}
