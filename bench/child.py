"""What the Python programs share that fork beside a foreign thread, one of programs/foreign.c.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
import os
import signal
import sys
import threading
from time import perf_counter_ns

PATIENCE = 60  # seconds


def start_foreign(path):
    if ctypes.CDLL(path).foreign_start() != 0:
        sys.exit(f"failed: foreign_start of {path}")


def in_child(work):
    """Forks a child that does it; it fails where that raises."""
    child = os.fork()
    if not child:
        signal.alarm(PATIENCE)
        try:
            work()
            sys.stdout.flush()
        except BaseException as error:
            print(f"failed: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit("failed: the child")


def must_be_watched():
    """Under `fail`, what waits for ever is raised in."""
    if os.environ.get("FORKPOLICY") != "fail":
        return
    lock = threading.Lock()
    lock.acquire()
    try:
        lock.acquire()
    except Exception:
        return
    raise AssertionError("the lock was taken twice")


def best(work, times, batches=20):
    """Nanoseconds for one time."""
    least = float("inf")
    for _ in range(batches):
        start = perf_counter_ns()
        work(times)
        least = min(least, (perf_counter_ns() - start) / times)
    return least
