"""An epoch whose transforms are run by threads, and what comes upon it: the argument says.

sigint: Ctrl-C, while the reader waits for a transform that waits, too. exit: the script's end in
the middle of the epoch. by_thread: the script's end, while another thread reads on. forks: a fork.
SPDX-License-Identifier: Apache-2.0"""

import os
import signal
import sys
import threading

import numpy
import pyarrow

from forkpolicy.loader import Loader

go_on, running = threading.Event(), []


def keep(batch):
    return batch


def wait(batch):
    """Tells how many have begun, which is one: the others are never begun."""
    running.append(batch)
    print("begun", flush=True)
    go_on.wait()
    return batch


def epoch(transform, threads=3):
    ids = pyarrow.table({"id": numpy.arange(103)})
    return iter(Loader(ids, 10, format="python", transform=transform, transform_threads=threads))


def sigint():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the parent ignores
    try:
        next(epoch(wait, threads=1))
    finally:
        go_on.set()
        print(len(running), "waits", flush=True)


def exit():
    global iteration
    iteration = epoch(keep)
    next(iteration)
    print("begun", flush=True)


def by_thread():
    iteration = epoch(keep)

    def read():
        next(iteration)
        print("begun", flush=True)
        threading.main_thread().join()
        print(10 + sum(len(batch) for batch in iteration), flush=True)

    threading.Thread(target=read).start()


def forks():
    iteration = epoch(keep)
    next(iteration)
    print("begun", flush=True)
    reads, writes = os.pipe()
    if os.fork() == 0:
        os.write(writes, b"%d" % (10 + sum(len(batch) for batch in iteration)))
        os._exit(0)
    os.wait()
    print(10 + sum(len(batch) for batch in iteration), os.read(reads, 100).decode(), flush=True)


globals()[sys.argv[1]]()
