#!/usr/bin/env python3
"""The driver behind bench/run: check, measure, report. Needs only Python's standard library."""

import argparse
import json
import os
import sys

import report
from check import check
from contender import HERE, names
from machine import backend
from scenario import SCENARIOS, run

OUT = os.environ.get("BENCH_OUT", HERE + "/results")
RAW = OUT + "/raw.jsonl"

# Runs that are compared with one another stand in one group: its repeats are interleaved.
GROUPS = [
    {
        "S1": ["nginx", "hyper-floor"],
        "S2": ["haproxy", "envoy", "hyper-floor", "lgsp", "lgsp-nosync", "lgsp-nodigest"],
    },
    {
        "S5a": ["direct", "hyper-floor", "haproxy", "lgsp"],
        "FS": ["hyper-floor"],
    },
    {"S5b": ["direct", "hyper-floor", "haproxy", "lgsp"]},
    {"S4": ["haproxy", "hyper-floor", "lgsp", "lgsp-nodigest"]},
    {"S5i": ["nginx", "haproxy", "hyper-floor", "lgsp"], "S5t": ["hyper-floor", "lgsp"]},
]
QUICK = [
    {
        "S1": ["nginx"],
        "S2": ["haproxy", "hyper-floor", "lgsp"],
        "S5a": ["direct", "hyper-floor", "lgsp"],
        "FS": ["hyper-floor"],
        "S4": ["haproxy", "lgsp"],
        "S5i": ["hyper-floor", "lgsp"],
    }
]
SHOWN = "rps gw_us gw_util be_util gen_util p50 p99 non2xx errors mem kb_per_conn steal".split()


def main():
    asked = arguments()
    os.makedirs(OUT, exist_ok=True)
    if asked.step in ("all", "check"):
        chosen = asked.names or members(groups(asked))
        wrong, rows = check([name for name in chosen if name != "direct"])
        with open(OUT + "/check.json", "w") as file:
            json.dump(rows, file, indent=1)
        if wrong:
            sys.exit("these do not do the job: " + ", ".join(wrong))
    if asked.step in ("all", "measure"):
        if asked.step == "all" and os.path.exists(RAW):
            os.replace(RAW, OUT + "/raw.before.jsonl")
        measure(groups(asked), asked.reps, asked.secs)
    if asked.step in ("all", "report"):
        report.show(RAW, asked.scen)


def arguments():
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("step", choices=["all", "check", "measure", "report"])
    parser.add_argument("names", nargs="*", help="contenders; absent: those of the plan")
    parser.add_argument("--scen", type=lambda text: text.split(","), help="S1,S2,…")
    parser.add_argument("--reps", type=int, help="repeats, 5 (quick: 2)")
    parser.add_argument("--secs", type=int, help="seconds a run, 3 (quick: 2)")
    parser.add_argument("--quick", action="store_true", help="a few minutes; not for targets")
    asked = parser.parse_intermixed_args()
    asked.reps = asked.reps or (2 if asked.quick else 5)
    asked.secs = asked.secs or (2 if asked.quick else 3)
    unknown = set(asked.names) - set(names()) - {"direct"}
    unknown |= set(asked.scen or []) - set(SCENARIOS)
    if unknown:
        parser.error("not known: " + ", ".join(sorted(unknown)))
    return asked


def groups(asked):
    """The plan, cut to what was asked for."""
    plan = QUICK if asked.quick else GROUPS
    if asked.scen:
        known = {s: n for group in plan for s, n in group.items()}
        plan = [{s: asked.names or known.get(s) or names() for s in asked.scen}]
    elif asked.names:
        plan = [{s: [n for n in of if n in asked.names] for s, of in g.items()} for g in plan]
    return plan


def members(plan):
    """Every contender of the plan, once."""
    return list(dict.fromkeys(name for group in plan for of in group.values() for name in of))


def measure(plan, repeats, seconds):
    """Every group, its runs interleaved and their order rotated with each repeat."""
    provider = backend()
    try:
        for group in plan:
            runs = [(scenario, name) for scenario, of in group.items() for name in of]
            for repeat in range(repeats):
                turn = repeat * 3 % max(1, len(runs))
                for scenario, name in runs[turn:] + runs[:turn]:
                    keep(attempt(scenario, name, seconds, provider), repeat)
    finally:
        provider.terminate()


def attempt(scenario, name, seconds, provider):
    """One run; a failure is a result too."""
    try:
        return run(name, scenario, seconds, provider)
    except Exception as error:  # whatever went wrong, the other runs go on
        return {"scen": scenario, "name": name, "error": str(error)[:300]}


def keep(row, repeat):
    """Appends to the raw results, and shows the run."""
    if row is None:
        return
    row["rep"] = repeat
    with open(RAW, "a") as file:
        file.write(json.dumps(row) + "\n")
    told = [f"{key}={row[key]:.1f}" for key in SHOWN if isinstance(row.get(key), (int, float))]
    print(row["scen"], repeat, row["name"], *told, row.get("error", ""), flush=True)


if __name__ == "__main__":
    main()
