# shellcheck shell=bash
# lgsp as a contender: a data folder is made once for each rate and each build, and copied before
# each run.
PROGRAM=${LGSP_BIN:-$BENCH_WORK/lgsp}
DATA=$RUN/data

lgsp_contender() { # flags of `lgsp serve` for this one
    case $VERB in
        info) echo modes=gw,tls tokens=own ;;
        prepare) prepare ;;
        records) "$PROGRAM" journal search --data "$DATA" --kind call --limit 0 --json | wc -l ;;
        start) serve "$@" ;;
    esac
}

prepare() {
    local model=$BENCH_WORK/lgsp-data/$RL
    if [ ! -d "$model/data" ] || [ "$PROGRAM" -nt "$model" ]; then
        rm -rf "$model"
        mkdir -p "$model"
        python3 "$HERE/conf/registry.py" "$BACKEND_PORT" "$RL" > "$model/registry.yaml"
        "$PROGRAM" apply --data "$model/new" -f "$model/registry.yaml" > "$model/applied.jsonl"
        mv "$model/new" "$model/data"
    fi
    rm -rf "$DATA"
    cp -r "$model/data" "$DATA"
}

serve() {
    local tls=off
    if [ "$MODE" = tls ]; then
        tls=127.0.0.1:$TLSPORT
        export LGSP_GATEWAY_LIVE_CERTIFICATE=$GEN/tls.crt LGSP_GATEWAY_LIVE_KEY=$GEN/tls.key
    fi
    export LGSP_GATEWAY_THREADS=1 LGSP_LOG_LEVEL=warn
    exec "$PROGRAM" serve --data "$DATA" --live "127.0.0.1:$PORT" --live-tls "$tls" \
        --trial off --trial-tls off --ops off "$@"
}
