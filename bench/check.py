"""Is the job done right? A contender that skips it would be fast."""

import json
import time

from contender import Contender, ask, info, names, token
from inputs import BODY, CONSUMERS, GEN, SERVICES, base64url, subscriptions
from machine import backend

# what the answers must be; `alg_none` and `expired` need a token that its issuer will not make
EXPECTED = {
    "valid": (200, 256),
    "unsubscribed": 403,
    "no_token": 401,
    "broken": 401,
    "expired": 401,
    "alg_none": 401,
    "post": (200, 2048),
    "big": (200, 1024 * 1024),
}


def check(chosen):
    """Checks the contenders that have the job; returns those that do it wrong, with what."""
    wrong, rows = {}, []
    provider = backend()
    try:
        for name in chosen or names():
            if "gw" not in info(name)["modes"]:
                continue
            row, faults = one(name)
            rows.append(row)
            if faults:
                wrong[name] = faults
            print(json.dumps(row), "WRONG: " + "; ".join(faults) if faults else "right", flush=True)
    finally:
        provider.terminate()
    return wrong, rows


def one(name):
    """Answers, records and rate of one contender."""
    row = {"name": name}
    faults = []
    with Contender(name, "gw") as contender:
        tokens = own_tokens() if contender.own else jwt_tokens()
        row.update(answers(tokens))
        time.sleep(1.5)  # buffered logs are flushed once a second
    for key, expected in EXPECTED.items():
        if key in row and row[key] != expected:
            faults.append(f"{key} is {row[key]}, not {expected}")
    asked = sum(key in row for key in EXPECTED)
    row["records"] = contender.records()
    if row["records"] != asked:
        faults.append(f"{row['records']} records of {asked} calls")
    with Contender(name, "gw", rate=10) as contender:
        good = own_tokens()["good"] if contender.own else tokens["good"]
        path = f"/{subscriptions()[CONSUMERS[0]][0]}/v1/a"
        statuses = [ask("GET", path, bearer(good))[0] for _ in range(60)]
    row["rate"] = {str(status): statuses.count(status) for status in sorted(set(statuses))}
    # a window may turn over while the 60 are sent
    if not 10 <= statuses.count(200) <= 20 or statuses.count(200) + statuses.count(429) != 60:
        faults.append(f"of 60 calls at 10 a second: {row['rate']}")
    return row, faults


def answers(tokens):
    """What comes back for each kind of call."""
    subscribed = subscriptions()[CONSUMERS[0]]
    other = next(service for service in SERVICES if service not in subscribed)
    ours = f"/{subscribed[0]}/v1"
    got = {
        "valid": sized(ask("GET", ours + "/a", bearer(tokens["good"]))),
        "unsubscribed": ask("GET", f"/{other}/v1/a", bearer(tokens["good"]))[0],
        "no_token": ask("GET", ours + "/a")[0],
        "post": sized(ask("POST", ours + "/2k", bearer(tokens["good"]), BODY)),
        "big": sized(ask("GET", ours + "/1m", bearer(tokens["good"]))),
    }
    for kind in ("broken", "expired", "alg_none"):
        if kind in tokens:
            got[kind] = ask("GET", ours + "/a", bearer(tokens[kind]))[0]
    return got


def sized(answer):
    return answer[0], len(answer[1])


def bearer(text):
    return {"Authorization": "Bearer " + text}


def jwt_tokens():
    """Tokens of the bench's own issuer."""
    with open(GEN + "/check.json") as file:
        tokens = json.load(file)
    head = base64url(b'{"alg":"none","typ":"JWT"}')
    tokens["alg_none"] = f"{head}.{tokens['good'].split('.')[1]}."
    return tokens


def own_tokens():
    """A token of the contender's own, and the same with one character changed."""
    good = token(CONSUMERS[0])
    changed = "A" if good[-5] != "A" else "B"
    return {"good": good, "broken": good[:-5] + changed + good[-4:]}
