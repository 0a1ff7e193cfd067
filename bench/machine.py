"""The machine: processes on their core, what the kernel accounts to them, ports."""

import os
import re
import signal
import socket
import subprocess
import time

WORK = os.environ.get("BENCH_WORK", "/tmp/benchwork")
NICE = os.environ.get("BENCH_NICE", "-20")
GATEWAY_CORE, LOAD_CORE = "0", "1"
BACKEND_PORT, PORT, TLS_PORT = 9000, 8080, 8443


def pinned(core, command):
    """The command on one core, before whatever else runs on the machine."""
    return ["nice", "-n", NICE, "taskset", "-c", core] + command


def spawn(command, **options):
    """Starts a process in a session of its own. The kernel groups by session, so that nice alone
    does not lift it over others: its group is lifted too, where we may."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        with open(f"/proc/{process.pid}/autogroup", "w") as group:
            group.write(NICE)
    except OSError:
        pass
    return process


def output_of(command):
    """What a generator on the load core prints."""
    process = spawn(
        pinned(LOAD_CORE, command), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    return process.communicate()[0]


def stop(process):
    """TERM to the group; KILL after three seconds."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except OSError:
            pass
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            continue


def backend():
    """The provider, on the load core."""
    process = spawn(pinned(LOAD_CORE, [WORK + "/backend", str(BACKEND_PORT)]))
    if not is_up(BACKEND_PORT):
        raise RuntimeError("the backend did not come up")
    return process


def is_up(port, seconds=15):
    """Waits until the port takes a connection."""
    end = time.time() + seconds
    while time.time() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 0.3).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def wait_free(port):
    """Waits until the port can be taken again."""
    for _ in range(100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return
            except OSError:
                time.sleep(0.05)


def family(pid):
    """The process and all its descendants."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        try:
            threads = os.listdir(f"/proc/{one}/task")
            for thread in threads:
                with open(f"/proc/{one}/task/{thread}/children") as children:
                    todo += [int(child) for child in children.read().split()]
            found.append(one)
        except OSError:
            pass
    return found


def cpu(pids):
    """CPU of every thread: nanoseconds (schedstat), user ticks, system ticks."""
    nanos = user = system = 0
    for pid in pids:
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/schedstat") as stat:
                    nanos += int(stat.read().split()[0])
            with open(f"/proc/{pid}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            user, system = user + int(fields[11]), system + int(fields[12])
        except OSError:
            pass
    return nanos, user, system


def memory(pids):
    """Proportional set size in MiB: kernel socket buffers are not in it."""
    kib = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as rollup:
                kib += int(re.search(r"^Pss:\s+(\d+)", rollup.read(), re.M)[1])
        except (OSError, TypeError):
            pass
    return kib / 1024


def cores():
    """Ticks of each core from /proc/stat."""
    with open("/proc/stat") as stat:
        lines = [line.split() for line in stat if line.startswith("cpu")]
    return {line[0]: [int(field) for field in line[1:]] for line in lines}
