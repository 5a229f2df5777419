# SPDX-License-Identifier: Apache-2.0
"""warned.py CASE: forks with lost runtimes alive, at one line or at several."""

import json
import multiprocessing
import os
import signal
import sys

import libraries

FORK = multiprocessing.get_context("fork")


def start_many():
    """The same line for every worker."""
    workers = [FORK.Process(target=int) for _ in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def polars():
    libraries.use("polars")
    libraries.settle()
    start_many()
    start_many()


def polars_at_two_lines():
    libraries.use("polars")
    libraries.settle()
    for _ in range(2):
        first = os.fork() or os._exit(0)
        os.waitpid(first, 0)
        second = os.fork() or os._exit(0)
        os.waitpid(second, 0)


def polars_in_a_pool():
    libraries.use("polars")
    libraries.settle()
    with FORK.Pool(3) as workers:
        print(workers.map(abs, [-1, -2, -3]))


def hangs(again):
    """Whether a forked child that uses the library again hangs."""
    child = os.fork()
    if child == 0:
        signal.alarm(4)
        again()
        os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGALRM


def polars_child():
    again = libraries.use("polars")
    libraries.settle()
    print(json.dumps({"hangs": hangs(again)}))


def deltalake():
    again = libraries.use("deltalake")
    libraries.settle()
    print(json.dumps({"hangs": hangs(again)}), flush=True)
    os._exit(0)


def lancedb_loader():
    """A DataLoader over a Permutation: its workers hang, which its own time limit ends."""
    import lancedb
    from lancedb.permutation import Permutation
    from torch.utils.data import DataLoader

    table = lancedb.connect(libraries.folder()).create_table("t", [{"x": i} for i in range(100)])
    data = Permutation.identity(table)
    libraries.settle()
    try:
        for _ in DataLoader(data, num_workers=2, multiprocessing_context="fork", timeout=4):
            pass
    except RuntimeError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        for worker in multiprocessing.active_children():
            worker.kill()  # the DataLoader itself waits 5 seconds for each
        os._exit(0)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
