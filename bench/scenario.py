"""Scenarios: one run of one contender, measured."""

import json
import os
import re
import subprocess
import time

from contender import HERE, Contender, info
from inputs import GEN
from machine import BACKEND_PORT, GATEWAY_CORE, LOAD_CORE, PORT, TLS_PORT, WORK
from machine import cores, cpu, memory, output_of, pinned, spawn

# name: kind of run, mode wanted, kind of request, connections, title
SCENARIOS = {
    "S1": ("wrk", "plain", "get", 64, "plain proxy, 256 B, 64 connections"),
    "S2": ("wrk", "gw", "get", 64, "the job, 256 B, 64 connections"),
    "S3": ("wrk", "gw", "post", 64, "the job, POST 2 KiB, 2 KiB back, 64 connections"),
    "S4": ("wrk", "gw", "big", 16, "the job, 1 MiB answers, 16 connections"),
    "S5a": ("rate", "gw", "d100", 1000, "1,000 connections, 5,000/s, provider takes 100 ms"),
    "S5b": ("rate", "gw", "d100", 5000, "5,000 connections, 5,000/s, provider takes 100 ms"),
    "S5i": ("idle", "gw", "get", 5000, "memory of 5,000 idle connections"),
    "S5t": ("tlsidle", "tls", "get", 5000, "memory of 5,000 idle TLS connections"),
    "S6n": ("tlsnew", "tls", "get", 4, "TLS 1.3 full handshakes, one request each"),
    "S6k": ("wrktls", "tls", "get", 64, "TLS 1.3 keep-alive, 256 B, 64 connections"),
    "FS": ("sync", "gw", "d100", 1000, "fdatasync of 4 KiB on the gateway's core under S5a"),
}
# without the job of its own a contender still shows what proxying costs here
PLAIN_WILL_DO = {"S3", "S4", "S5a", "S5b", "S5i", "S5t"}
RATE = os.environ.get("RATE", "5000")
MICROS = {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}


def mode_for(name, scenario):
    """The mode in which the contender takes part, or None."""
    wanted = SCENARIOS[scenario][1]
    if name == "direct":
        return "plain" if scenario in {"S1", "S4", "S5a", "S5b"} else None
    modes = info(name)["modes"]
    if wanted in modes:
        return wanted
    return "plain" if scenario in PLAIN_WILL_DO and "plain" in modes else None


def run(name, scenario, seconds, backend):
    """One measurement: a dictionary for results/raw.jsonl, or None if it takes no part."""
    mode = mode_for(name, scenario)
    if mode is None:
        return None
    kind, _, requests, connections, _ = SCENARIOS[scenario]
    row = {"scen": scenario, "name": name, "mode": mode, "ts": int(time.time())}
    if name == "direct":
        load = generator(kind, f"{GEN}/{requests}.none", connections, BACKEND_PORT)
        row.update(measure(load, kind, seconds, lambda: [], backend))
        return row
    with Contender(name, mode) as contender:
        file = contender.requests(requests)
        if kind in ("idle", "tlsidle"):
            row.update(hold(kind, contender, file, connections))
        elif kind == "sync":
            row.update(sync(generator("rate", file, connections, PORT), seconds))
        else:
            load = generator(kind, file, connections, PORT)
            row.update(measure(load, kind, seconds, contender.pids, backend))
    return row


def generator(kind, file, connections, port):
    """A function that makes the load for so many seconds and returns what was seen."""
    load = WORK + "/load"
    if kind == "wrk":
        return lambda s: wrk(connections, s, f"http://127.0.0.1:{port}/", file + ".lua")
    if kind == "wrktls":
        return lambda s: wrk(connections, s, f"https://127.0.0.1:{TLS_PORT}/", file + ".lua")
    if kind == "tlsnew":
        command = [load, "tlsnew", str(TLS_PORT), file + ".req", str(connections)]
        return lambda s: json.loads(output_of(command + [str(s)]))
    command = [load, "rate", str(port), file + ".req", str(connections), RATE]
    return lambda s: json.loads(output_of(command + [str(s), "1"]))


def wrk(connections, seconds, url, script):
    """Closed loop: as much as goes through."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "20s"]
    text = output_of(command + ["-s", script, url])

    def percentile(which):
        found = re.search(rf"^\s+{which}%\s+([\d.]+)(us|ms|s|m)$", text, re.M)
        return float(found[1]) * MICROS[found[2]] if found else None

    errors = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text
    )
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return {
        "n": int(re.search(r"(\d+) requests in", text)[1]),
        "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
        "p50": percentile(50),
        "p99": percentile(99),
        "non2xx": int(refused[1]) if refused else 0,
        "errors": sum(map(int, errors.groups())) if errors else 0,
    }


def measure(load, kind, seconds, pids, backend):
    """The load, and what the kernel accounts to gateway, provider and generator meanwhile."""
    if kind != "rate":  # that generator warms up itself
        load(1)
    gateway, provider = pids(), [backend.pid]
    times0, cores0 = os.times(), cores()
    gateway0, provider0, began = cpu(gateway), cpu(provider), time.time()
    seen = load(seconds)
    gateway1, provider1, elapsed = cpu(gateway), cpu(provider), time.time() - began
    times1, cores1 = os.times(), cores()
    done = seen.get("total") or seen.get("n") or seen["ok"] + seen["non2xx"]
    done = max(done, 1)
    ticks = gateway1[1] - gateway0[1] + gateway1[2] - gateway0[2]
    children = times1.children_user + times1.children_system
    children -= times0.children_user + times0.children_system
    return {
        **seen,
        "gw_us": (gateway1[0] - gateway0[0]) / 1e3 / done,
        "gw_sys_share": (gateway1[2] - gateway0[2]) / max(1, ticks),
        "gw_util": (gateway1[0] - gateway0[0]) / 1e9 / elapsed,
        "be_us": (provider1[0] - provider0[0]) / 1e3 / done,
        "be_util": (provider1[0] - provider0[0]) / 1e9 / elapsed,
        "gen_us": children * 1e6 / done,
        "gen_util": children / elapsed,
        "steal": (cores1["cpu"][7] - cores0["cpu"][7]) / 100 / elapsed,
        "core0_busy": 1 - (cores1["cpu0"][3] - cores0["cpu0"][3]) / 100 / elapsed,
        "mem": memory(gateway),
    }


def hold(kind, contender, file, connections):
    """Memory before and with so many connections that have made one call and wait."""
    scheme, port = ("http", PORT) if kind == "idle" else ("https", TLS_PORT)
    wrk(16, 1, f"{scheme}://127.0.0.1:{port}/", file + ".lua")
    time.sleep(0.5)
    pids = contender.pids()
    before = memory(pids)
    command = [WORK + "/load", kind, str(port), file + ".req", str(connections), "2"]
    generator_process = spawn(pinned(LOAD_CORE, command), stdout=subprocess.PIPE, text=True)
    note = generator_process.stdout.readline().strip()
    time.sleep(1)
    cpu0 = cpu(pids)
    time.sleep(0.8)
    cpu1 = cpu(pids)
    held = memory(pids)
    generator_process.wait()
    return {
        "mem0": before,
        "mem1": held,
        "kb_per_conn": (held - before) * 1024 / connections,
        "idle_cpu_pct": (cpu1[0] - cpu0[0]) / 0.8e7,
        "errors": connections - int(re.search(r"ok=(\d+)", note)[1]),
    }


def sync(load, seconds):
    """How long fdatasync takes beside a gateway under load: what a journal has to wait for."""
    probe = spawn(
        pinned(GATEWAY_CORE, ["python3", HERE + "/tools/sync.py", WORK, str(seconds)]),
        stdout=subprocess.PIPE,
        text=True,
    )
    load(seconds)
    return json.loads(probe.communicate()[0])
