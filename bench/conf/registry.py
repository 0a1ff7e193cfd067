#!/usr/bin/env python3
"""registry.py BACKEND_PORT RATE: the bench's parties as a registry file of lgsp."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from inputs import CONSUMERS, SERVICES, secret_of, subscriptions  # noqa: E402

port, rate = sys.argv[1:3]
print("format: 1\nmembers:")
print("  - { code: H01.001, name: Consumers }\n  - { code: H01.002, name: Providers }")
print("systems:")
for consumer in CONSUMERS:
    print(f"  - {{ code: {consumer}, member: H01.001, token_lifetime: 24h }}")
print("services:")
for service in SERVICES:
    print(f"  - code: {service}\n    provider: H01.002\n    context: /{service}")
    print("    versions:\n      - version: v1")
    print(f'        endpoints: {{ live: ["http://127.0.0.1:{port}/{service}/v1"] }}')
print("subscriptions:")
for consumer, services in subscriptions().items():
    for service in services:
        print(
            f"  - {{ system: {consumer}, service: {service}, version: v1, environment: live, "
            f"rate: {rate}/s }}"
        )
print("credentials:")
for consumer in CONSUMERS:
    print(
        f"  - {{ system: {consumer}, environment: live, consumer_key: {consumer}, "
        f'secret_key: "{secret_of(consumer)}", weak_until: 2036-12-31 }}'
    )
