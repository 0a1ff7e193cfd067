#!/usr/bin/env bash
# nginx of Debian, one worker: proxying alone, and over TLS. It has no token check of its own.
. "$(dirname "$0")/_lib.sh"
says modes=plain,tls
TLS=""
[ "$MODE" = tls ] && TLS="
    listen 127.0.0.1:$TLSPORT ssl;
    ssl_certificate $GEN/tls.crt;
    ssl_certificate_key $GEN/tls.key;
    ssl_protocols TLSv1.3;
    ssl_session_cache off;
    ssl_session_tickets off;"
cat > "$RUN/nginx.conf" <<C
daemon off;
worker_processes 1;
worker_rlimit_nofile 60000;
pid $RUN/nginx.pid;
error_log $RUN/error.log warn;
events { worker_connections 25000; }
http {
  access_log off;
  keepalive_requests 100000000;
  keepalive_timeout 300s;
  client_body_temp_path $RUN/b;
  proxy_temp_path $RUN/p;
  fastcgi_temp_path $RUN/f;
  uwsgi_temp_path $RUN/u;
  scgi_temp_path $RUN/s;
  upstream be {
    server 127.0.0.1:$BACKEND_PORT;
    keepalive 6000;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:$PORT backlog=4096;$TLS
    location / {
      proxy_pass http://be;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_read_timeout 30s;
      proxy_buffer_size 16k;
      proxy_buffers 8 64k;
      proxy_max_temp_file_size 0;
    }
  }
}
C
exec /usr/sbin/nginx -c "$RUN/nginx.conf" -e "$RUN/error.log"
