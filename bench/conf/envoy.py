#!/usr/bin/env python3
"""envoy.py GEN PORT TLSPORT BACKEND_PORT MODE RATE RUN: prints Envoy's bootstrap as JSON."""

import json
import sys

GEN, PORT, TLS_PORT, BACKEND_PORT, MODE, RATE, RUN = sys.argv[1:8]
JOB = MODE == "gw"
HTTP = "envoy.filters.http."
MANY = 1_000_000
with open(GEN + "/subs.json") as file:
    SUBSCRIPTIONS = json.load(file)


def typed(kind, **fields):
    """A configuration with its type."""
    return {"@type": "type.googleapis.com/envoy.extensions." + kind, **fields}


def named(name, config):
    return {"name": name, "typed_config": config}


def loopback(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": int(port)}}


def subject():
    """Where jwt_authn leaves the token's sub."""
    return [{"key": "p"}, {"key": "sub"}]


def route(prefix, consumers=None):
    """A route; with consumers only they may pass, each against its own rate."""
    found = {"match": {"prefix": prefix}, "route": {"cluster": "be", "timeout": "30s"}}
    if consumers is None:
        return found
    key = {"key": HTTP + "jwt_authn", "path": subject()}
    action = {"metadata": {"descriptor_key": "sub", "metadata_key": key}}
    found["route"]["rate_limits"] = [{"actions": [action]}]
    principals = [
        {
            "metadata": {
                "filter": HTTP + "jwt_authn",
                "path": subject(),
                "value": {"string_match": {"exact": consumer}},
            }
        }
        for consumer in consumers
    ]
    policy = {"permissions": [{"any": True}], "principals": principals}
    rules = {"action": "ALLOW", "policies": {"p": policy}}
    found["typed_per_filter_config"] = {
        HTTP + "rbac": typed("filters.http.rbac.v3.RBACPerRoute", rbac={"rules": rules})
    }
    return found


def routes():
    if not JOB:
        return [route("/")]
    services = sorted({service for of in SUBSCRIPTIONS.values() for service in of})
    return [
        route(f"/{service}/", [who for who, of in SUBSCRIPTIONS.items() if service in of])
        for service in services
    ]


def job_filters():
    """Token, subscription, rate."""
    provider = {
        "issuer": "lgsp-bench",
        "audiences": ["lgsp"],
        "local_jwks": {"filename": f"{GEN}/jwks.json"},
        "payload_in_metadata": "p",
        "forward": False,
    }
    rule = {"match": {"prefix": "/"}, "requires": {"provider_name": "lgsp"}}
    whole = {"default_value": {"numerator": 100}}

    def bucket(size):
        return {"max_tokens": size, "tokens_per_fill": size, "fill_interval": "1s"}

    return [
        named(
            HTTP + "jwt_authn",
            typed(
                "filters.http.jwt_authn.v3.JwtAuthentication",
                providers={"lgsp": provider},
                rules=[rule],
            ),
        ),
        named(
            HTTP + "rbac",
            typed("filters.http.rbac.v3.RBAC", rules={"action": "ALLOW", "policies": {}}),
        ),
        named(
            HTTP + "local_ratelimit",
            typed(
                "filters.http.local_ratelimit.v3.LocalRateLimit",
                stat_prefix="rl",
                filter_enabled=whole,
                filter_enforced=whole,
                token_bucket=bucket(4_000_000_000),
                descriptors=[
                    {"entries": [{"key": "sub", "value": who}], "token_bucket": bucket(int(RATE))}
                    for who in SUBSCRIPTIONS
                ],
            ),
        ),
    ]


def access_log():
    words = [
        "%START_TIME%",
        "%REQ(X-REQUEST-ID)%",
        "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:p:sub)%",
        "%REQ(:METHOD)%",
        "%REQ(:PATH)%",
        "%RESPONSE_CODE%",
        "%BYTES_SENT%",
        "%DURATION%",
        "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
        "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    ]
    form = {"text_format_source": {"inline_string": " ".join(words) + "\n"}}
    kind = "access_loggers.file.v3.FileAccessLog"
    return named(
        "envoy.access_loggers.file", typed(kind, path=RUN + "/access.log", log_format=form)
    )


def connection_manager():
    filters = job_filters() if JOB else []
    filters.append(named(HTTP + "router", typed("filters.http.router.v3.Router")))
    hosts = [{"name": "v", "domains": ["*"], "routes": routes()}]
    return typed(
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="h",
        codec_type="AUTO",
        http_filters=filters,
        stream_idle_timeout="300s",
        route_config={"virtual_hosts": hosts},
        **({"access_log": [access_log()]} if JOB else {"generate_request_id": False}),
    )


def tls():
    """TLS 1.3 without resumption, as with the other contenders."""
    only = "TLSv1_3"
    pair = {
        "certificate_chain": {"filename": GEN + "/tls.crt"},
        "private_key": {"filename": GEN + "/tls.key"},
    }
    context = {
        "tls_params": {"tls_minimum_protocol_version": only, "tls_maximum_protocol_version": only},
        "tls_certificates": [pair],
    }
    return named(
        "tls",
        typed(
            "transport_sockets.tls.v3.DownstreamTlsContext",
            disable_stateless_session_resumption=True,
            disable_stateful_session_resumption=True,
            common_tls_context=context,
        ),
    )


def listener(name, port, socket=None):
    manager = "envoy.filters.network.http_connection_manager"
    chain = {"filters": [named(manager, connection_manager())]}
    if socket:
        chain["transport_socket"] = socket
    return {"name": name, "address": loopback(port), "filter_chains": [chain]}


def cluster():
    most = {"max_connections": MANY, "max_pending_requests": MANY, "max_requests": MANY}
    endpoint = {"endpoint": {"address": loopback(BACKEND_PORT)}}
    return {
        "name": "be",
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [most]},
        "load_assignment": {
            "cluster_name": "be",
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }


def main():
    listeners = [listener("http", PORT)]
    if MODE == "tls":
        listeners.append(listener("https", TLS_PORT, tls()))
    monitor = named(
        "envoy.resource_monitors.global_downstream_max_connections",
        typed(
            "resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
            max_active_downstream_connections=50000,
        ),
    )
    bootstrap = {
        "static_resources": {"listeners": listeners, "clusters": [cluster()]},
        "overload_manager": {"resource_monitors": [monitor]},
    }
    print(json.dumps(bootstrap))


main()
