# SPDX-License-Identifier: Apache-2.0
"""Waits until a child ends, or nothing can be expected of it any more.

A child that hangs is known by what it does, not by how long it takes: no thread of it, or of its own
children, has run for a while, or the shim has told of it. A time limit stands behind that, for what spins; seconds
in which other programs had the processors do not count, up to twice as many.
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


def told(pid):
    """The shim's verdicts on waits of the child that it leaves alone: under `warn`, or because they are not proven."""
    log = os.environ.get("FORKPOLICY_LOG")
    if not log or not os.path.exists(log):
        return set()
    whole, _, _ = Path(log).read_text().rpartition("\n")  # a line may be half written
    records = map(json.loads, whole.splitlines())
    return {r["verdict"] for r in records if r["event"] == "hang" and r["pid"] == pid and r["outcome"] == "waits"}


def delayed(pid):
    """Seconds for which the child's first thread was ready to run, and the processors were busy."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def give_up(child, why):
    """Ends the child and its own children: they are in a process group of the child's own."""
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None, why


def until_end_or_hang(child, patience, limit):
    """(status, None, delay) of a child that ends, or (None, why, delay) of one that was given up."""
    began = quiet_since = time.monotonic()
    before = told_since = None
    delay = 0.0
    while True:
        delay = max(delay, delayed(child))
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status, None, delay
        now = time.monotonic()
        mark = activity(child)
        if mark is None or mark != before:
            before, quiet_since = mark, now
        quiet = now - quiet_since
        verdicts = told(child)
        told_since = (told_since or now) if verdicts else None
        # The shim's own looks count as activity: what is told and still waits has been at rest for as long.
        rest = max(quiet, now - told_since if verdicts else 0)
        if rest > patience or (quiet > 0.2 and "proven" in verdicts):
            return *give_up(child, "asleep"), delay
        if now - began - min(delay, 2 * limit) > limit:
            return *give_up(child, "awake"), delay
        time.sleep(0.02 if now - began < 1 else 0.1)
