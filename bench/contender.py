"""Contenders: one shell file each, started for one run and stopped after it."""

import base64
import glob
import http.client
import json
import os
import subprocess
import time

from inputs import CONSUMERS, GEN, secret_of, write_requests
from machine import BACKEND_PORT, GATEWAY_CORE, PORT, TLS_PORT, WORK
from machine import family, is_up, pinned, spawn, stop, wait_free

HERE = os.path.dirname(os.path.abspath(__file__))


def names():
    """All contenders there are."""
    files = sorted(os.path.basename(path) for path in glob.glob(HERE + "/contenders/[!_]*.sh"))
    return [file[:-3] for file in files]


def info(name):
    """What it says of itself: modes=…, tokens=own, records=own."""
    told = subprocess.run(
        ["bash", f"{HERE}/contenders/{name}.sh", "info"], capture_output=True, text=True
    ).stdout
    pairs = (word.split("=", 1) for word in told.split() if "=" in word)
    return {key: value.split(",") for key, value in pairs}


class Contender:
    """A contender that runs; use it in `with`."""

    def __init__(self, name, mode, rate=1_000_000):
        self.name, self.mode = name, mode
        self.folder = f"{WORK}/run/{name}"
        self.own = info(name).get("tokens") == ["own"]
        self.environment = dict(
            os.environ,
            MODE=mode,
            RL=str(rate),
            PORT=str(PORT),
            TLSPORT=str(TLS_PORT),
            BACKEND_PORT=str(BACKEND_PORT),
            BENCH_WORK=WORK,
            RUN=self.folder,
        )

    def __enter__(self):
        os.makedirs(self.folder, exist_ok=True)
        log = f"{self.folder}/access.log"
        if os.path.exists(log):
            os.remove(log)
        self._script("prepare")  # not on the gateway's core, and not in its account
        with open(f"{self.folder}/out.log", "w") as out:
            self.process = spawn(
                pinned(GATEWAY_CORE, ["bash", f"{HERE}/contenders/{self.name}.sh", "start"]),
                env=self.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )
        if not is_up(TLS_PORT if self.mode == "tls" else PORT):
            self.__exit__()
            with open(f"{self.folder}/out.log") as out:
                raise RuntimeError(f"{self.name} did not come up: {out.read()[-400:]}")
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        stop(self.process)
        wait_free(PORT)
        wait_free(TLS_PORT)

    def pids(self):
        return family(self.process.pid)

    def requests(self, kind):
        """The request file, without its ending: with tokens where the job is on."""
        if self.own:
            write_requests(f"{self.folder}/own", "own", tokens())
            return f"{self.folder}/own/{kind}.own"
        return f"{GEN}/{kind}.{'jwt' if self.mode == 'gw' else 'none'}"

    def records(self):
        """How many calls it has recorded; ask after it has stopped."""
        told = self._script("records").strip()
        if told:
            return int(told)
        with open(f"{self.folder}/access.log") as log:
            return sum(1 for _ in log)

    def _script(self, verb):
        script = f"{HERE}/contenders/{self.name}.sh"
        return subprocess.run(
            ["bash", script, verb], env=self.environment, capture_output=True, text=True, check=True
        ).stdout


def token(consumer):
    """The consumer's own token, from the gateway that runs."""
    pair = base64.b64encode(f"{consumer}:{secret_of(consumer)}".encode()).decode()
    head = {
        "Authorization": "Basic " + pair,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    status, body = ask("POST", "/token", head, "grant_type=client_credentials", timeout=30)
    if status != 200:
        raise RuntimeError(f"no token for {consumer}: {status} {body[:200]!r}")
    return json.loads(body)["access_token"]


def tokens():
    """One token for each consumer."""
    return {consumer: token(consumer) for consumer in CONSUMERS}


def ask(method, path, head=None, body=None, timeout=5):
    """Status (or the name of the error) and body."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=timeout)
    try:
        connection.request(method, path, body, {"Host": "lgsp.local", **(head or {})})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__, b""
    finally:
        connection.close()
