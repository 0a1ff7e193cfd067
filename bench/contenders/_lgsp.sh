# lgsp as a contender: a data folder is made once for each rate and each build, and copied before
# each run.

lgsp_contender() { # PROGRAM
    local program=$1 data=$RUN/data
    case $VERB in
        info) echo modes=gw,tls tokens=own ;;
        prepare) lgsp_prepare "$program" "$data" ;;
        records) "$program" journal search --data "$data" --kind call --limit 0 --json | wc -l ;;
        start) lgsp_start "$program" "$data" ;;
    esac
}

lgsp_prepare() { # PROGRAM DATA
    local model=$BENCH_WORK/lgsp-data/$(basename "$1")-$RL
    if [ ! -d "$model" ] || [ "$1" -nt "$model" ]; then
        rm -rf "$model"
        mkdir -p "$model"
        python3 "$HERE/conf/registry.py" "$BACKEND_PORT" "$RL" > "$model/registry.yaml"
        "$1" apply --data "$model/data" -f "$model/registry.yaml" > "$model/applied.jsonl"
    fi
    rm -rf "$2"
    cp -r "$model/data" "$2"
}

lgsp_start() { # PROGRAM DATA
    local tls=off
    if [ "$MODE" = tls ]; then
        tls=127.0.0.1:$TLSPORT
        export LGSP_GATEWAY_LIVE_CERTIFICATE=$GEN/tls.crt LGSP_GATEWAY_LIVE_KEY=$GEN/tls.key
    fi
    export LGSP_GATEWAY_THREADS=1 LGSP_LOG_LEVEL=warn
    exec "$1" serve --data "$2" --live "127.0.0.1:$PORT" --live-tls "$tls" \
        --trial off --trial-tls off --ops off
}
