# SPDX-License-Identifier: Apache-2.0
"""carried.py LIBRARY HOW TIMES: children use a library that the parent has used, and so do theirs.

Says how often one of them, or the parent behind them, got another answer than before.
"""

import atexit
import multiprocessing
import os
import select
import subprocess
import sys
import threading
import time

import libraries

FORK = multiprocessing.get_context("fork")

again = getattr(libraries, sys.argv[1])()
wanted = again()


def answers(_=None):
    return again() == wanted


def child(depth):
    works = answers()
    if works and depth:
        works = fork(lambda: child(depth - 1)) and answers()
    return works


def fork(work):
    """Whether it is true in a child."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if work() else 1)
    return os.waitpid(pid, 0)[1] == 0


def of_itself():
    return fork(lambda: child(2))


def of_a_pool():
    with FORK.Pool(2) as pool:
        return pool.map(answers, range(6), chunksize=1) == [True] * 6


def of_an_executor():
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(2, mp_context=FORK) as pool:
        return list(pool.map(answers, range(6))) == [True] * 6


def of_a_loader():
    from torch.utils.data import DataLoader

    class Answers:
        def __len__(self):
            return 6

        def __getitem__(self, _):
            return int(answers())

    loader = DataLoader(Answers(), batch_size=2, num_workers=2, multiprocessing_context="fork")
    works = sum(int(batch.sum()) for batch in loader) == 6
    while threading.active_count() > 1:
        time.sleep(0.001)  # the threads of its queues, which end by themselves, would be "others" to the next fork
    return works


def beside_a_thread():
    """...of Python's, which could be in the library."""
    leave = threading.Event()
    thread = threading.Thread(target=leave.wait)
    thread.start()
    print(thread.native_id, flush=True)
    works = fork(lambda: child(0))
    leave.set()
    thread.join()
    return works


def sockets():
    """{inode: numbers}: tokio writes to a socketpair in signal handlers, and reads one end by two numbers."""
    found = {}
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            kind, _, inode = os.readlink(f"/proc/self/fd/{number}").partition(":")
        except FileNotFoundError:  # the folder's own
            continue
        if kind == "socket":
            found.setdefault(inode, []).append(number)
    print(sum(found.values(), []), flush=True)
    return sorted(found.values(), key=len)


def without_an_end():
    """...which another process has."""
    (written, *_), *_ = sockets()
    other = subprocess.Popen(["sleep", "60"], pass_fds=[written])
    os.close(written)
    atexit.register(other.kill)
    return fork(answers)


def with_bytes_on_the_way():
    *_, (read, *_) = sockets()
    os.write(read, b"to whom?")
    return fork(answers)


def with_a_foreign_watch():
    *_, (read, *_) = sockets()
    watch = select.epoll()
    watch.register(read)
    return fork(answers)


bad = 0
for _ in range(int(sys.argv[3])):
    bad += not globals()[sys.argv[2]]()
    bad += not answers()
print(bad)
