# SPDX-License-Identifier: Apache-2.0
"""What the jobs of kinds_hanging.py and kinds_working.py share."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

context = multiprocessing.get_context("fork")
LONG = 90  # seconds
kept = []


def ready():
    os.write(1, b"ready\n")


def with_threads():
    """Threads that rest, for each child to have lost."""
    pool = ThreadPoolExecutor(2)
    pool.submit(int).result()
    kept.append(pool)
    return pool


def in_child(function):
    child = os.fork()
    if child == 0:
        try:
            function()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def thread(function, *arguments):
    started = threading.Thread(target=function, args=arguments, daemon=True)
    started.start()
    return started


def holds(lock):
    """A thread that has the lock for long."""
    has = threading.Event()

    def hold():
        with lock:
            has.set()
            time.sleep(LONG)

    thread(hold)
    has.wait()


def run(cases):
    signal.alarm(LONG)
    cases[sys.argv[1]]()
