# SPDX-License-Identifier: Apache-2.0
"""openmp.py CASE COUNT: children that use OpenMP as their parent did, which goes on using it.

torch, sklearn: COUNT children, one after the other; loader: COUNT rounds of a torch DataLoader with
two forked workers, each of which uses torch; nested: COUNT children of which each has one, too;
thread: a thread of the parent's that has a team of its own forks them; polars: a runtime that
nothing can reset. The last line of stdout is {"ok": N, "hung": N, "status": {...}, "threads": N}:
the least number of threads that a child had when it was done. A child has OPENMP_LIMIT seconds.
"""

import collections
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback

LIMIT = float(os.environ.get("OPENMP_LIMIT", 60))
THREADS = int(os.environ["OMP_NUM_THREADS"])


def torch():
    import torch

    torch.set_num_threads(THREADS)
    left, right = torch.arange(1_000_000, dtype=torch.float64), torch.ones(200, 200)

    def use():
        total = float((left * 2).sum()) + float((right @ right).sum())
        return total == 999_999 * 1_000_000 + 200**3

    return use


def sklearn():
    import numpy
    from sklearn.cluster import KMeans
    from sklearn.ensemble import HistGradientBoostingRegressor

    points = numpy.random.default_rng(0).random((2500, 8))
    HistGradientBoostingRegressor(max_iter=5).fit(points, points[:, 0])

    def fit():
        return round(float(KMeans(4, n_init=1, random_state=0).fit(points).inertia_), 6)

    expected = fit()
    return lambda: fit() == expected


def polars():
    import polars

    frame = polars.DataFrame({"key": [1, 2, 3] * 100, "value": [1.0] * 300})
    return lambda: frame.group_by("key").agg(polars.col("value").sum()).height == 3


def task_count():
    return len(os.listdir("/proc/self/task"))


def run_child(work, reply):
    try:
        answer = work()
        os.write(reply, b"%d\n" % task_count())
        os._exit(0 if answer else 1)
    except BaseException:
        traceback.print_exc()
        os._exit(2)


def end_of(child):
    """Its status, or "hung"."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hung"


def fork_and_wait(work, reply):
    child = os.fork()
    if child == 0:
        run_child(work, reply)
    return end_of(child)


def forks(use, count, reply):
    for _ in range(count):
        yield fork_and_wait(use, reply)
        assert use()  # the parent is none the worse


def nested(use, count, reply):
    def use_and_fork():
        return use() and fork_and_wait(use, reply) == 0 and use()

    return forks(use_and_fork, count, reply)


def thread(use, count, reply):
    """The team of the main thread is not the team of the one that forks."""
    ends = []

    def run():
        assert use()
        ends.extend(forks(use, count, reply))

    forker = threading.Thread(target=run)
    forker.start()
    forker.join()
    assert use()
    return ends


class Numbers:
    """What the workers of a DataLoader read: each number by an operation of several threads."""

    def __init__(self, use):
        self.use = use

    def __len__(self):
        return 8

    def __getitem__(self, number):
        import torch as library

        library.set_num_threads(THREADS)  # a worker begins with one
        assert self.use()
        return task_count()


def loader(use, count, reply):
    from torch.utils.data import DataLoader

    for _ in range(count):
        batches = DataLoader(
            Numbers(use),
            batch_size=2,
            num_workers=2,
            multiprocessing_context="fork",
            timeout=LIMIT,
        )
        try:
            for batch in batches:
                os.write(reply, b"%d\n" % int(batch.min()))
            yield 0
        except RuntimeError as error:
            traceback.print_exc()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # the DataLoader would raise for these
            for worker in multiprocessing.active_children():
                worker.kill()  # for each of which it waits 5 seconds
            yield "hung" if "timed out" in str(error) else str(error).partition("\n")[0]
        assert use()


def main(case, count):
    library = case if case in ("sklearn", "polars") else "torch"
    use = globals()[library]()
    assert use()
    numbers, reply = os.pipe()
    runs = {"nested": nested, "thread": thread, "loader": loader}.get(case, forks)
    ends = collections.Counter(runs(use, count, reply))
    os.close(reply)
    with open(numbers) as lines:
        threads = [int(line) for line in lines]
    said = {"ok": ends[0], "hung": ends["hung"], "status": {str(end): ends[end] for end in ends}}
    print(json.dumps({**said, "threads": min(threads, default=0)}), flush=True)
    os._exit(0)  # some libraries crash in their own clean-up


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
