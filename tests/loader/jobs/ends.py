"""A reader in the middle of an epoch, and one of the ways in which it ends. It prints its workers'
process ids. Arguments: the way, fork or spawn. SPDX-License-Identifier: Apache-2.0"""

import os
import signal
import sys
import time

import numpy
import pyarrow

from forkpolicy.loader import Loader

HANGS_AT = 40


def keep(batch):
    return batch


def slow(batch):
    time.sleep(0.05)
    return batch


def hang(batch):
    """Each worker's second batch never ends."""
    if batch.column("id")[0].as_py() >= HANGS_AT:
        time.sleep(1000)
    return batch


def begin(transform, start):
    ids = pyarrow.table({"id": numpy.arange(100_000)})
    options = {"format": "arrow", "workers": 2, "prefetch": 1, "start": start}
    return iter(Loader(ids, 20, transform=transform, **options))


def tell(iteration):
    print(*(process.pid for process in iteration._source._processes), flush=True)


def end_of_script(start):
    global iteration, batch
    iteration = begin(keep, start)
    batch = next(iteration)
    tell(iteration)


def in_a_loop(start, end):
    for step, batch in enumerate(iteration := begin(keep, start)):
        if step == 5:
            tell(iteration)
            end()


def fail():
    raise LookupError("the trainer's own")


def waits(transform, start):
    """For a batch that takes time, or never comes."""
    iteration = begin(transform, start)
    next(iteration)
    tell(iteration)
    for _ in iteration:
        pass


def works(start):
    """Meanwhile the workers wait for free slots."""
    iteration = begin(keep, start)
    next(iteration)
    while iteration._source._ring.counts()["writer_waits"] < 2:
        time.sleep(0.01)
    tell(iteration)
    time.sleep(1000)


def begins(start):
    """Again and again: workers are being started whenever a signal comes."""
    print(flush=True)
    while True:
        iteration = begin(keep, start)
        next(iteration)
        iteration.close()


def handles_sigterm(start):
    def handler(number, frame):
        print("handled", os.getpid(), flush=True)

    signal.signal(signal.SIGTERM, handler)
    iteration = begin(keep, start)
    next(iteration)
    tell(iteration)
    iteration.close()


WAYS = {
    "end": end_of_script,
    "sys.exit": lambda start: in_a_loop(start, lambda: sys.exit(3)),
    "os._exit": lambda start: in_a_loop(start, lambda: os._exit(4)),
    "error": lambda start: in_a_loop(start, fail),
    "slow": lambda start: waits(slow, start),
    "hang": lambda start: waits(hang, start),
    "works": works,
    "begins": begins,
    "sigterm": handles_sigterm,
}

if __name__ == "__main__":
    WAYS[sys.argv[1]](sys.argv[2])
