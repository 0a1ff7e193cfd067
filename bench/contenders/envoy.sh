#!/usr/bin/env bash
# Envoy 1.40 (PyPI wheel), --concurrency 1. The job: jwt_authn, RBAC a route on the sub claim,
# local_ratelimit a consumer, access log to a file, flushed once a second.
. "$(dirname "$0")/_lib.sh"
says modes=plain,gw,tls
python3 "$HERE/conf/envoy.py" "$GEN" "$PORT" "$TLSPORT" "$BACKEND_PORT" "$MODE" "$RL" "$RUN" \
    > "$RUN/envoy.json"
envoy=$(ls "$BENCH_WORK"/venv/lib/python3*/site-packages/envoy/_bin/envoy)
exec "$envoy" -c "$RUN/envoy.json" --concurrency 1 --base-id "$PORT" -l warn \
    --file-flush-interval-msec 1000
