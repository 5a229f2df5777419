# SPDX-License-Identifier: Apache-2.0
"""Loaders whose workers are hindered: in which stage a worker is, and how long it takes there."""

import time

import numpy
import pyarrow
import pytest
from loaders import table

from forkpolicy.loader import Loader


def processes_of(iteration):
    return iteration._source._processes


def counts_of(iteration):
    return iteration._source._ring.counts()


def wait_for(condition, seconds=20):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.0005)


def slow(batch):
    time.sleep(0.03)
    return batch


def hang(batch):
    if 40 in batch["id"]:
        time.sleep(1000)
    return batch


# Stages at which a worker is ended: wait for one, with the iteration, which has given `given` steps


def at_once(iteration):
    pass


def making(iteration):
    """It is in its transform."""
    time.sleep(0.02)


def filling(iteration):
    wait_for(lambda: counts_of(iteration)["filling"])


def some_ready(iteration):
    wait_for(lambda: counts_of(iteration)["ready"])


def waiting_for_a_slot(iteration):
    wait_for(lambda: counts_of(iteration)["writer_waits"])


WIDE = 2_000_000  # floats in a row
STAGES = [
    (at_once, slow), (making, slow), (filling, None), (some_ready, slow), (waiting_for_a_slot, None)
]  # fmt: skip
STAGE = pytest.mark.parametrize("stage, transform", STAGES, ids=[s.__name__ for s, _ in STAGES])


def loader_of(stage, transform, **options):
    if stage is filling:
        values = pyarrow.array(numpy.zeros(5 * WIDE, numpy.float32))
        vectors = pyarrow.FixedSizeListArray.from_arrays(values, WIDE)
        return Loader(pyarrow.table({"id": range(5), "vec": vectors}), 1, workers=1, **options)
    return Loader(table(), 5, workers=1, transform=transform, **options)
