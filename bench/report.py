"""The report: raw results to Markdown tables, medians with the range, and the targets."""

import json
import statistics
import sys

from scenario import SCENARIOS

KIB, MIB = 1024, 1024 * 1024


def show(path, only=None):
    """Prints the targets, then a table for each scenario."""
    try:
        with open(path) as file:
            results = Results([json.loads(line) for line in file])
    except FileNotFoundError:
        sys.exit(f"no results at {path}: run `bench/run` first")
    targets(results)
    for scenario, (*_, title) in SCENARIOS.items():
        runs = results.of(scenario)
        if runs and (not only or scenario in only):
            print(f"\n### {scenario}: {title}\n")
            table(scenario, runs, results)


class Results:
    """The runs, to be asked for medians."""

    def __init__(self, rows):
        self.rows = rows

    def of(self, scenario):
        """Name -> its runs."""
        found = {}
        for row in self.rows:
            if row["scen"] == scenario:
                found.setdefault(row["name"], []).append(row)
        return found

    def values(self, scenario, name, key):
        rows = self.of(scenario).get(name, [])
        return [row[key] for row in rows if isinstance(row.get(key), (int, float))]

    def median(self, scenario, name, key):
        """The median, or None when there is no run."""
        found = self.values(scenario, name, key)
        return statistics.median(found) if found else None

    def failures(self, scenario, name):
        """Answers other than 2xx, errors, calls without an answer, runs that broke."""
        rows = self.of(scenario).get(name, [])
        keys = ("non2xx", "errors", "unanswered", "dead")
        return sum(sum(row.get(key) or 0 for key in keys) + ("error" in row) for row in rows)


def targets(results):
    """What must be reached (issue 2), each met, missed, or not measured."""
    print("### Targets\n\n| Target | Bound | Measured | Verdict |\n|---|---|---|---|")
    for text, bound, measured, unit in [*cpu(results), *latency(results), *room(results)]:
        if measured is None or bound is None:
            print(f"| {text} | {number(bound, unit)} | not measured | – |")
            continue
        at_least = "≥" in text
        met = measured >= bound if at_least else measured <= bound
        verdict = "met" if met else "MISSED"
        print(f"| {text} | {number(bound, unit)} | {number(measured, unit)} | {verdict} |")
    repeats = len(results.values("S2", "lgsp", "gw_us"))
    print(f"\nMedians of {repeats} interleaved repeats (5 or more count).")
    shares(results)


def ratio(above, below):
    return above / below if above is not None and below else None


def cpu(results):
    """S2 and S4: processor time."""
    ours = results.median("S2", "lgsp", "gw_us")
    haproxy = results.median("S2", "haproxy", "gw_us")
    nginx = results.median("S1", "nginx", "gw_us")
    yield "S2 CPU a request ≤ 1.0 × HAProxy with the job", 1.0, ratio(ours, haproxy), "×"
    yield "S2 CPU a request ≤ 1.6 × nginx without checks", 1.6, ratio(ours, nginx), "×"
    big = results.median("S4", "haproxy", "gw_us")
    for name, least, how in [("lgsp-nodigest", 0.9, "off"), ("lgsp", 0.33, "on")]:
        share = ratio(big, results.median("S4", name, "gw_us"))
        yield f"S4 bytes a CPU second ≥ {least} × HAProxy, digests {how}", least, share, "×"


def latency(results):
    """S5: failures, and what the gateway adds at the 99th percentile."""
    sync = results.median("FS", "hyper-floor", "p99")
    for scenario, count in [("S5a", "1,000"), ("S5b", "5,000")]:
        there = results.of(scenario).get("lgsp")
        failures = results.failures(scenario, "lgsp") if there else None
        yield f"{scenario} failures at {count} connections ≤ 0", 0, failures, ""
    ours, floor = added(results, "lgsp"), added(results, "hyper-floor")
    bound = floor + 2 * sync + 1000 if floor is not None and sync is not None else None
    yield "S5a added p99 ≤ hyper floor + 2 × p99 fdatasync + 1 ms", bound, ours, "µs"


def added(results, name, scenario="S5a"):
    """p99 over that of the provider asked directly, in microseconds."""
    ours = results.median(scenario, name, "p99")
    direct = results.median(scenario, "direct", "p99")
    return ours - direct if ours is not None and direct is not None else None


def room(results):
    """Memory an open connection."""
    ours = results.median("S5i", "lgsp", "kb_per_conn")
    floor = results.median("S5i", "hyper-floor", "kb_per_conn")
    yield "S5i memory a connection ≤ 1.25 × hyper floor", 1.25, ratio(ours, floor), "×"
    tls = results.median("S5t", "lgsp", "kb_per_conn")
    yield "S5t memory a TLS connection ≤ 64 KiB", 64, tls, "KiB"


def shares(results):
    """What the disk and the digests cost: the same run with each off."""
    for scenario in ("S2", "S4"):
        whole = results.median(scenario, "lgsp", "gw_us")
        for name, what in [("lgsp-nosync", "fdatasync"), ("lgsp-nodigest", "digests")]:
            without = results.median(scenario, name, "gw_us")
            if whole and without is not None:
                share = 100 * (1 - without / whole)
                print(f"{scenario}: share of {what} in CPU a request {share:.1f} %")


def number(value, unit):
    if value is None:
        return "–"
    digits = 2 if unit == "×" else 0 if unit in ("µs", "") else 1
    return f"{value:,.{digits}f} {unit}".strip()


def cell(rows, key, digits=0, times=1):
    """Median [least-most]."""
    found = [row[key] * times for row in rows if isinstance(row.get(key), (int, float))]
    if not found:
        return "-"
    low, high = min(found), max(found)
    return f"{statistics.median(found):,.{digits}f} [{low:,.{digits}f}-{high:,.{digits}f}]"


COLUMNS = [
    ("gateway CPU us/req", "gw_us", 1, 1),
    ("of it system %", "gw_sys_share", 0, 100),
    ("req/s", "rps", 0, 1),
    ("gateway core use", "gw_util", 2, 1),
    ("provider us", "be_us", 1, 1),
    ("p50 us", "p50", 0, 1),
    ("p99 us", "p99", 0, 1),
    ("memory MB", "mem", 0, 1),
]
HELD = [
    ("PSS before MB", "mem0", 1, 1),
    ("PSS held MB", "mem1", 1, 1),
    ("KiB a connection", "kb_per_conn", 1, 1),
    ("idle CPU %", "idle_cpu_pct", 2, 1),
]
SYNC = [("p50 us", "p50", 0, 1), ("p99 us", "p99", 0, 1), ("syncs", "n", 0, 1)]


def table(scenario, runs, results):
    """One line a contender, the cheapest first."""
    columns = {"S5i": HELD, "S5t": HELD, "FS": SYNC}.get(scenario, COLUMNS)
    heads = ["contender", "mode", *(head for head, *_ in columns)]
    rate = scenario in ("S5a", "S5b")
    heads += (["added p99 us"] if rate else []) + ["failures", "n"]
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))

    def order(item):
        found = results.median(scenario, item[0], columns[0][1])
        return found if found is not None else float("inf")

    for name, rows in sorted(runs.items(), key=order):
        line = [name, rows[0].get("mode", "-")]
        line += [cell(rows, key, digits, times) for _, key, digits, times in columns]
        if rate:
            line.append(number(added(results, name, scenario), "µs"))
        line += [str(results.failures(scenario, name)), str(len(rows))]
        print("| " + " | ".join(line) + " |")
        for row in rows:
            if "error" in row:
                print(f"<!-- {name}: {row['error']} -->")
