# SPDX-License-Identifier: Apache-2.0
"""refused.py CASE TIMES [before|after|uncaught]: forks with a lost runtime alive.

Says what came of it, as JSON, with the state of the process before and after TIMES more tries.
"before" and "after" import the package before, or only after, the first refusal; "uncaught" leaves
the error to Python.
"""

import concurrent.futures
import gc
import json
import multiprocessing
import os
import pickle
import pty
import subprocess
import sys
import traceback

import libraries

FORK = multiprocessing.get_context("fork")
SPAWN = multiprocessing.get_context("spawn")


def os_fork():
    if os.fork() == 0:
        os._exit(0)


def os_forkpty():
    if os.forkpty()[0] == 0:
        os._exit(0)


def pty_fork():
    if pty.fork()[0] == 0:
        os._exit(0)


def process():
    worker = FORK.Process(target=int)
    worker.start()
    worker.join()


def pool():
    with FORK.Pool(2) as workers:
        workers.map(int, "12")


def executor():
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=FORK) as workers:
        workers.submit(int, "1").result()


def loader():
    from torch.utils.data import DataLoader

    for batch in DataLoader([1.0, 2.0, 3.0, 4.0], num_workers=2, multiprocessing_context="fork"):
        batch.sum()


def fork_with_polars():
    libraries.use("polars")
    os_fork()


def in_a_worker():
    """The error comes to the parent by a pipe, pickled."""
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=SPAWN) as workers:
        workers.submit(fork_with_polars).result()


def state():
    gc.collect()
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        children = len(file.read().split())
    return {
        "fds": len(os.listdir("/proc/self/fd")),
        "threads": libraries.threads(),
        "children": children,
    }


def describe(error):
    kind = type(error)
    report = {
        "module": kind.__module__,
        "name": kind.__qualname__,
        "runtime_error": isinstance(error, RuntimeError),
        "message": str(error),
        "frames": [
            [frame.filename, frame.name, frame.line]
            for frame in traceback.extract_tb(error.__traceback__)
        ],
    }
    if "before" in sys.argv or "after" in sys.argv:
        import forkpolicy

        report["is_package_class"] = isinstance(error, forkpolicy.ForkPolicyError)
    copy = pickle.loads(pickle.dumps(error))
    report["copy"] = [
        type(copy).__module__,
        type(copy).__qualname__,
        copy.args == error.args,
        type(copy) is kind,
    ]
    return report


def attempt(case):
    try:
        case()
    except RuntimeError as error:
        return describe(error)
    return None


def main():
    case, times = globals()[sys.argv[1]], int(sys.argv[2])
    if "before" in sys.argv:
        import forkpolicy  # noqa: F401
    if case is loader:
        import torch.utils.data  # noqa: F401
    again = libraries.use("polars")
    expected = again()
    libraries.settle(0.2)
    if "uncaught" in sys.argv:
        case()
    if os.environ.get("STOCK"):  # what CPython itself leaves behind when a fork fails

        def fail():
            raise RuntimeError("no fork here")

        os.fork = os.forkpty = fail
    report = attempt(case)  # imports what it needs, and starts a resource tracker
    before = state()
    for _ in range(times):
        attempt(case)
    after = state()
    echo = subprocess.run(["echo", "still here"], stdout=subprocess.PIPE, check=True)
    print(
        json.dumps(
            {
                "error": report,
                "before": before,
                "after": after,
                "answers": again() == expected,
                "echo": echo.stdout.decode(),
            }
        )
    )


if __name__ == "__main__":
    main()
