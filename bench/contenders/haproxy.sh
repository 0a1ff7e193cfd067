#!/usr/bin/env bash
# HAProxy of Debian, one thread. The job: jwt_verify and claims, a map of subscriptions, a
# stick-table for the rate, one log line a request, unbuffered, to a file.
. "$(dirname "$0")/_lib.sh"
says modes=plain,gw,tls
BIND="bind 127.0.0.1:$PORT backlog 4096"
JOB=""
LOG=""
[ "$MODE" = tls ] && BIND="$BIND
 bind 127.0.0.1:$TLSPORT backlog 4096 ssl crt $GEN/tls.pem ssl-min-ver TLSv1.3 no-tls-tickets"
if [ "$MODE" = gw ]; then
    LOG=" log stdout len 4096 format raw local0 info
 log-format \"%[date(0,ms)] %ID %[var(txn.sub)] %HM %HPO %ST %B %Ta %Tr %ci\""
    VERIFY="var(txn.bearer),jwt_verify(txn.alg,\"$(cat "$GEN/secret.txt")\")"
    PAYLOAD="var(txn.bearer),jwt_payload_query"
    JOB=" unique-id-format %[uuid()]
 http-request set-var(txn.bearer) http_auth_bearer
 http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('\$.alg')
 http-request deny deny_status 401 unless { var(txn.alg) -m str HS256 }
 http-request deny deny_status 401 unless { $VERIFY 1 }
 http-request set-var(txn.exp) $PAYLOAD('\$.exp','int')
 http-request set-var(txn.now) date()
 http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
 http-request deny deny_status 401 unless { $PAYLOAD('\$.iss') -m str lgsp-bench }
 http-request set-var(txn.sub) $PAYLOAD('\$.sub')
 http-request set-var(txn.svc) path,field(2,/)
 http-request set-var-fmt(txn.pair) %[var(txn.sub)]/%[var(txn.svc)]
 http-request deny deny_status 403 unless { var(txn.pair),map_str($GEN/subs.map) -m found }
 http-request track-sc0 var(txn.sub) table rl
 http-request deny deny_status 429 if { sc_http_req_rate(0) gt $RL }"
fi
cat > "$RUN/h.cfg" <<C
global
 nbthread 1
 maxconn 7500
 tune.ssl.cachesize 0
defaults
 mode http
 timeout connect 5s
 timeout client 300s
 timeout server 30s
 timeout http-keep-alive 300s
 http-reuse always
 option dontlognull
$LOG
frontend f
 $BIND
$JOB
 default_backend b
backend b
 server s 127.0.0.1:$BACKEND_PORT pool-max-conn -1
backend rl
 stick-table type string len 32 size 10k expire 10s store http_req_rate(1s)
C
exec /usr/sbin/haproxy -db -f "$RUN/h.cfg" > "$RUN/access.log"
