#!/usr/bin/env python3
"""One stuck provider is not felt by others: 2,000 requests a second to other services, with and
without 1,000 calls hanging on one. Prints a line a repeat, then the medians and the verdict.

    bench/isolation.py [REPEATS]        after bench/setup.sh
"""

import json
import os
import re
import resource
import socket
import statistics
import subprocess
import sys

from contender import Contender
from machine import LOAD_CORE, PORT, WORK, backend, pinned

HANGING, RATE, CONNECTIONS, SECONDS = 1000, 2000, 64, 8
# design of the issue: within 10 % or half a millisecond
SHARE, MICROSECONDS = 1.10, 500


def load(file):
    """p99 in microseconds of an open loop, and what failed."""
    command = [WORK + "/load", "rate", str(PORT), file, str(CONNECTIONS), str(RATE), str(SECONDS)]
    seen = json.loads(
        subprocess.run(pinned(LOAD_CORE, command + ["1"]), capture_output=True, text=True).stdout
    )
    failures = seen["non2xx"] + seen["errors"] + seen["unanswered"]
    return seen["p99"], failures


def split(file):
    """A request of one service turned into a hanging one, and a file of the others' requests."""
    with open(file + ".req") as source:
        requests = source.read().split("\n%%\n")
    service = re.search(r" /(svc\d+)/", requests[0])[1]
    others = [request for request in requests if f"/{service}/" not in request]
    with open(file + ".others.req", "w") as out:
        out.write("\n%%\n".join(others))
    line = re.sub(r" /(svc\d+)/v1/\S*", rf" /{service}/v1/hang", requests[0])
    return line, file + ".others.req"


def hang(request):
    """Calls that wait for a provider that never answers."""
    calls = []
    for _ in range(HANGING):
        call = socket.create_connection(("127.0.0.1", PORT))
        call.sendall(request.encode())
        calls.append(call)
    return calls


def main():
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    provider, alone, beside, failed = backend(), [], [], 0
    try:
        for repeat in range(repeats):
            with Contender("lgsp", "gw") as contender:
                request, others = split(contender.requests("get"))
                load(others)  # warm
                p99, failures = load(others)
                alone.append(p99)
                failed += failures
                calls = hang(request)
                p99, failures = load(others)
                beside.append(p99)
                failed += failures
                silent = sum(1 for call in calls if is_silent(call))
                print(f"{repeat}: p99 alone {alone[-1]} us, beside {silent} hanging {p99} us")
                for call in calls:
                    call.close()
    finally:
        provider.kill()
    before, after = statistics.median(alone), statistics.median(beside)
    met = failed == 0 and (after <= before * SHARE or after <= before + MICROSECONDS)
    print(f"medians: {before:.0f} us alone, {after:.0f} us beside; {failed} failures;",
          "met" if met else "missed")
    sys.exit(0 if met else 1)


def is_silent(call):
    """Still waiting, neither answered nor closed."""
    try:
        call.setblocking(False)
        call.recv(1)
        return False
    except BlockingIOError:
        return True


if __name__ == "__main__":
    os.makedirs(WORK, exist_ok=True)
    main()
