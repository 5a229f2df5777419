# SPDX-License-Identifier: Apache-2.0
"""Waits until a child ends, or nothing can be expected of it any more.

A child that hangs is known by what it does, not by how long it takes: no thread of it, or of its own
children, has run for a while, or the shim has proven it. A time limit stands behind that, for what spins.
"""

import json
import os
import signal
import time
from pathlib import Path


def family(pid):
    """A process and all below it."""
    found = [pid]
    for each in found:
        for path in Path(f"/proc/{each}/task").glob("*/children"):
            try:
                found += map(int, path.read_text().split())
            except OSError:
                pass  # it has just ended
    return found


def activity(pid):
    """What changes whenever a thread runs; None where one is running or about to."""
    marks = []
    for each in family(pid):
        for path in sorted(Path(f"/proc/{each}/task").glob("*/status")):
            try:
                lines = dict(line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line)
            except OSError:
                continue
            if lines["State"][0] not in "SZ":
                return None
            marks.append((str(path), lines.get("voluntary_ctxt_switches"), lines.get("nonvoluntary_ctxt_switches")))
    return marks


def proven(pid):
    """Whether the shim's log says that the child can never go on."""
    log = os.environ.get("FORKPOLICY_LOG")
    if os.environ.get("FORKPOLICY") != "warn" or not log or not os.path.exists(log):
        return False  # under the other policies the child itself acts on the proof
    records = (json.loads(line) for line in Path(log).read_text().splitlines())
    return any(r["event"] == "hang" and r["pid"] == pid and r["verdict"] == "proven" for r in records)


def give_up(child, why):
    """Ends the child and its own children: they are in a process group of the child's own."""
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None, why


def until_end_or_hang(child, patience, limit):
    """(status, None) of a child that ends, or (None, why) of one that was given up."""
    began = quiet_since = time.monotonic()
    before = None
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status, None
        now = time.monotonic()
        mark = activity(child)
        if mark is None or mark != before:
            before, quiet_since = mark, now
        quiet = now - quiet_since
        if quiet > patience or (quiet > 0.2 and proven(child)):
            return give_up(child, "asleep")
        if now - began > limit:
            return give_up(child, "awake")
        time.sleep(0.02 if now - began < 1 else 0.1)
