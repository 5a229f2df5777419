# SPDX-License-Identifier: Apache-2.0
"""job.py lock|future|queue|polars|crash: forks beside threads; prints how the child ended.

The child waits for what the fork lost: a lock that a thread holds, a task of an executor without
threads, a queue whose items nobody works off, polars' pool; or it crashes. "hung": it had to be killed after LIMIT seconds.
Runs on Python 3.7 and later.
"""

import os
import queue
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

LIMIT = 5


def hold(lock, held):
    lock.acquire()
    held.set()
    threading.Event().wait()


def prepare_lock():
    lock, held = threading.Lock(), threading.Event()
    threading.Thread(target=hold, args=(lock, held), daemon=True).start()
    held.wait()

    def use():
        with lock:
            pass

    return use


def prepare_future():
    executor = ThreadPoolExecutor(1)
    executor.submit(int).result()
    return lambda: executor.submit(int).result()


def take(items, begun):
    items.get()
    begun.set()
    threading.Event().wait()
    items.task_done()


def prepare_queue():
    items, begun = queue.Queue(), threading.Event()
    threading.Thread(target=take, args=(items, begun), daemon=True).start()
    items.put(1)
    begun.wait()
    return items.join


def prepare_crash():
    prepare_future()
    return lambda: os.kill(os.getpid(), signal.SIGSEGV)


def prepare_polars():
    import polars

    def collect():
        frame = polars.DataFrame({"k": list(range(200_000))})
        return frame.lazy().group_by(polars.col("k") % 97).agg(polars.len()).collect()

    collect()
    return collect


def run_child(work):
    try:
        work()
        os._exit(0)
    except RuntimeError as error:
        print(type(error).__name__, file=sys.stderr)
        os._exit(3)


def outcome_of(child):
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid and os.WIFEXITED(status):
            return {0: "worked", 3: "raised", 70: "exited"}.get(os.WEXITSTATUS(status), f"status {status}")
        if pid:
            return f"signal {os.WTERMSIG(status)}"
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hung"


def main():
    work = globals()[f"prepare_{sys.argv[1]}"]()
    try:
        child = os.fork()
    except (RuntimeError, OSError):
        print("refused", flush=True)
        os._exit(0)
    if child == 0:
        run_child(work)
    print(outcome_of(child), flush=True)
    os._exit(0)


main()
