#!/usr/bin/env python3
"""What a façade costs: CPU of the platform for each call, plain and through each façade, with the
same body to the same portal. The target: at most 25 % over the plain call of the same size.

    bench/facade.py [REPEATS] [CALLS]        LGSP_BIN: the program, default this tree's release
"""

import glob
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
LGSP = os.environ.get("LGSP_BIN") or os.path.join(ROOT, "target/release/lgsp")
SECRET = "synthetic-not-a-secret"
SHARE = 1.25

REGISTRY = """
members: [ {{ code: H01, name: Tỉnh }} ]
systems: [ {{ code: one-stop, member: H01, name: Một cửa }} ]
services:
  - {{ code: cong, provider: H01, name: Cổng, context: /cong, destination: "VN:GOV:c", versions: [
      {{ version: "1.0", protocol: portal, endpoints: {{ live: ["{base}"] }},
         portal: {{ user: 000.00.00.H99, secret: "env:PORTAL_SECRET" }} }} ] }}
  - {{ code: thang, provider: H01, name: Thẳng, context: /thang, versions: [
      {{ version: "1.0", endpoints: {{ live: ["{base}"] }} }} ] }}
subscriptions:
  - {{ system: one-stop, service: cong, version: "1.0", environment: live }}
  - {{ system: one-stop, service: thang, version: "1.0", environment: live }}
credentials: [ {{ system: one-stop, environment: live }} ]
"""


def start(*arguments):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([LGSP, *arguments], text=True, **pipes)
    return process, json.loads(process.stdout.readline())


def cpu(process):
    """CPU nanoseconds of all its threads."""
    total = 0
    for path in glob.glob(f"/proc/{process.pid}/task/*/schedstat"):
        with open(path) as file:
            total += int(file.read().split()[0])
    return total


def call(connection, path, headers, body):
    connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200 or json.loads(text).get("error_code") not in (0, "0", 3, "3"):
        sys.exit(f"{path}: {answer.status} {text[:300]}")
    return text


def bodies():
    """A pull, one dossier, and some fifty kilobytes of them."""
    def request(name):
        with open(os.path.join(ROOT, "fixtures/qcvn120", name + ".json")) as file:
            return json.load(file)["request"]

    pull, new = request("13-LayThuTuc"), request("02-DongBoHoSoMC-new")
    many = dict(new, data=[dict(new["data"][0], MaHoSo=f"000.00.07.H99-240304-{n:05}")
                           for n in range(1, 22)])
    return [("pull", pull), ("dossier", new), ("batch", many)]


def main():
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    calls = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    os.environ["PORTAL_SECRET"] = SECRET
    data = tempfile.mkdtemp(prefix="lgsp-facade-")
    portal, told = start("simulate", "portal", "--listen", "127.0.0.1:0", "--json")
    base = "http://" + re.search(r"127\.0\.0\.1:\d+", json.dumps(told))[0]
    registry = os.path.join(data, "registry.yaml")
    with open(registry, "w") as file:
        file.write(REGISTRY.format(base=base))
    applied = subprocess.run([LGSP, "apply", "-f", registry, "--data", data], check=True,
                             capture_output=True, text=True).stdout
    key = next(line for line in map(json.loads, applied.splitlines()) if "secret_key" in line)
    off = ["--trial", "off", "--ops", "off"]
    server, ready = start("serve", "--data", data, "--live", "127.0.0.1:0", *off)
    try:
        measure(server, ready["live"], base.split("//")[1], key, (repeats, calls))
    finally:
        server.terminate()
        portal.terminate()


def measure(server, live, portal, key, counts):
    repeats, calls = counts
    connection = http.client.HTTPConnection(live)
    login = {"username": key["consumer_key"], "password": key["secret_key"]}
    session = json.loads(call(connection, "/mapi/login", {}, json.dumps(login)))["session"]
    direct = http.client.HTTPConnection(portal)
    login = {"username": "000.00.00.H99", "password": SECRET}
    theirs = json.loads(call(direct, "/mapi/login", {}, json.dumps(login)))["session"]
    bearer = {"Authorization": "Bearer " + session}
    for name, request in bodies():
        own = json.dumps(dict(request, session=session), ensure_ascii=False).encode()
        national = json.dumps(dict(request, session=theirs), ensure_ascii=False).encode()
        bare = {k: v for k, v in request.items() if k not in ("session", "service")}
        rows = json.dumps(bare.get("data", bare), ensure_ascii=False).encode()
        bare = json.dumps(bare, ensure_ascii=False).encode()
        path = "/packets/" + request["service"]
        adapter = "/VXPAdapter/RestService/forward/mapi/g?dstcode=VN:GOV:c"
        ways = [
            ("rest", "/thang/1.0/mapi/g", bearer, national),
            ("plain", "/cong/1.0/mapi/g", bearer, own),
            ("portal", "/mapi/g", {}, own),
            ("adapter", adapter, {}, own),
            ("packet", path, bearer, bare),
            ("rows", path + "?isUpdating=False", bearer, rows),
        ]
        spent = {way: [] for way, *_ in ways}
        for _ in range(repeats):
            for way, path, headers, body in ways:
                call(connection, path, headers, body)
                before = cpu(server)
                for _ in range(calls):
                    call(connection, path, headers, body)
                spent[way].append((cpu(server) - before) / calls / 1000)
        plain = statistics.median(spent["plain"])
        for way in spent:
            us, least = statistics.median(spent[way]), min(spent[way])
            print(f"{name:8} {len(own):6} bytes  {way:8} {us:8.1f} us  least {least:8.1f}"
                  f"  {us / plain:5.2f} of plain", flush=True)
            if way not in ("rest", "plain") and us > plain * SHARE:
                print("missed: at most 1.25")


if __name__ == "__main__":
    main()
