#!/usr/bin/env python3
"""Makes the inputs under $BENCH_WORK/gen: who may call what, the key and the tokens of JWT
contenders, a TLS certificate, and the request files. 100 consumers c001 to c100, 50 services svc01
to svc50, each consumer subscribed to 10 of them; the seed is fixed."""

import base64
import hashlib
import hmac
import json
import os
import random
import subprocess
import time

WORK = os.environ.get("BENCH_WORK", "/tmp/benchwork")
GEN = WORK + "/gen"
CONSUMERS = [f"c{i:03d}" for i in range(1, 101)]
SERVICES = [f"svc{i:02d}" for i in range(1, 51)]
DAY = 86_400

# name of the request file: path after the version, is it a POST of 2 KiB
REQUESTS = {
    "get": ("/a", False),
    "post": ("/2k", True),
    "big": ("/1m", False),
    "d100": ("/d100", False),
}
BODY = json.dumps({"d": "x" * 2040}, separators=(",", ":"))

LUA = """local requests, file = {}, io.open("@FILE", "rb")
for text in (file:read("*a") .. "\\n%%\\n"):gmatch("(.-)\\n%%%%\\n") do
  requests[#requests + 1] = text
end
local at, count = 0, #requests
request = function()
  at = at + 1
  if at > count then at = 1 end
  return requests[at]
end
"""


def subscriptions():
    """Consumer -> its ten services."""
    chance = random.Random(7)
    return {c: sorted(chance.sample(SERVICES, 10)) for c in CONSUMERS}


def secret_of(consumer):
    """The secret by which a consumer gets its own token."""
    return f"secret-of-{consumer}-0123456789"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(key, consumer, expires=None, broken=False):
    """An HS256 token as a gateway without tokens of its own checks it."""
    now = int(time.time())
    head = {"alg": "HS256", "typ": "JWT", "kid": "bench-hs256"}
    claims = {
        "iss": "lgsp-bench",
        "aud": "lgsp",
        "sub": consumer,
        "client_id": consumer,
        "iat": now,
        "nbf": now - 5,
        "exp": expires or now + 30 * DAY,
        "jti": hashlib.sha256(consumer.encode()).hexdigest()[:24],
    }
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in (head, claims)]
    text = ".".join(map(base64url, parts))
    tag = hmac.new(key, text.encode(), hashlib.sha256).digest()
    if broken:
        tag = bytes([tag[0] ^ 1]) + tag[1:]
    return text + "." + base64url(tag)


def request(service, path, token=None, post=False):
    """One request as bytes go over the wire."""
    lines = [f"{'POST' if post else 'GET'} /{service}/v1{path} HTTP/1.1", "Host: lgsp.local"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if post:
        lines += ["Content-Type: application/json", f"Content-Length: {len(BODY)}"]
    return "\r\n".join(lines) + "\r\n\r\n" + (BODY if post else "")


def write_requests(folder, suffix, tokens):
    """One file a kind of request for the two generators: each consumer in turn, with its token
    (or none), on one of its services."""
    os.makedirs(folder, exist_ok=True)
    subscribed = subscriptions()
    for name, (path, post) in REQUESTS.items():
        texts = [
            request(subscribed[c][i % 10], path, tokens and tokens[c], post)
            for i, c in enumerate(CONSUMERS)
        ]
        base = f"{folder}/{name}.{suffix}"
        write(base + ".req", "\n%%\n".join(texts))
        write(base + ".lua", LUA.replace("@FILE", base + ".req"))


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def certificate():
    """A certificate for 127.0.0.1, made once."""
    if os.path.exists(GEN + "/tls.crt"):
        return
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-keyout", GEN + "/tls.key", "-out", GEN + "/tls.crt", "-days", "30"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    with open(GEN + "/tls.crt") as chain, open(GEN + "/tls.key") as key:
        write(GEN + "/tls.pem", chain.read() + key.read())


def main():
    os.makedirs(GEN, exist_ok=True)
    key = hashlib.sha256(b"bench-only-secret").hexdigest()  # ASCII: every contender can take it
    write(GEN + "/secret.txt", key)
    jwk = {"kty": "oct", "alg": "HS256", "kid": "bench-hs256", "k": base64url(key.encode())}
    write(GEN + "/jwks.json", json.dumps({"keys": [jwk]}))
    subscribed = subscriptions()
    write(GEN + "/subs.json", json.dumps(subscribed))
    write(GEN + "/subs.txt", "".join(f"{c} {','.join(s)}\n" for c, s in subscribed.items()))
    write(GEN + "/subs.map", "".join(f"{c}/{s} 1\n" for c in CONSUMERS for s in subscribed[c]))
    write_requests(GEN, "jwt", {c: jwt(key.encode(), c) for c in CONSUMERS})
    write_requests(GEN, "none", None)
    first = CONSUMERS[0]
    hour_ago = int(time.time()) - 3600
    tokens = {
        "good": jwt(key.encode(), first),
        "broken": jwt(key.encode(), first, broken=True),
        "expired": jwt(key.encode(), first, expires=hour_ago),
    }
    write(GEN + "/check.json", json.dumps(tokens))
    certificate()


if __name__ == "__main__":
    main()
