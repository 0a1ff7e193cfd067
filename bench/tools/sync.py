#!/usr/bin/env python3
"""sync.py FOLDER SECONDS: appends 4 KiB and waits for the disk, again and again; prints the
percentiles in microseconds as JSON."""

import json
import os
import sys
import time

folder, seconds = sys.argv[1], float(sys.argv[2])
path = f"{folder}/sync.probe"
file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
took, block, end = [], b"x" * 4096, time.monotonic() + seconds
while time.monotonic() < end:
    os.write(file, block)
    began = time.monotonic_ns()
    os.fdatasync(file)
    took.append((time.monotonic_ns() - began) / 1e3)
os.unlink(path)
took.sort()
print(json.dumps({"n": len(took), "p50": took[len(took) // 2], "p99": took[len(took) * 99 // 100]}))
