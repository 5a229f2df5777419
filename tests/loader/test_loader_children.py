# SPDX-License-Identifier: Apache-2.0
"""Loaders, batches and iterations in a forked child."""

import os
import subprocess
import sys

import pytest
import torch  # noqa: F401 - its import is no part of the times here
from faults import counts_of
from loaders import ROWS, environment, flat, ids_of, table

from forkpolicy.loader import Loader

pytestmark = pytest.mark.timeout(180)


def in_child(function, end=os._exit):
    """The status of a forked child that calls it."""
    child = os.fork()
    if child == 0:
        status = 9
        try:
            status = function() or 0
        finally:
            end(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("transform", [None, lambda batch: batch])
def test_a_child_that_holds_a_batch(transform):
    """Its end and its release give back no slot of its parent's."""
    iteration = iter(Loader(table(width=8), 5, workers=2, transform=transform, prefetch=1))
    held = [next(iteration), next(iteration)]
    before = counts_of(iteration)["held"]
    assert before == 2

    def let_go():
        same = ids_of(held) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
        held.clear()
        return not same

    assert in_child(let_go) == 0 and in_child(lambda: None) == 0
    assert counts_of(iteration)["held"] == before
    rest = ids_of(iteration)
    assert ids_of(held) + rest == [list(range(n, min(ROWS, n + 5))) for n in range(0, ROWS, 5)]
    del held
    assert counts_of(iteration)["held"] == 0


EXITS = """
import os, sys
import numpy, pyarrow
from forkpolicy.loader import Loader

table = pyarrow.table({"id": numpy.arange(1000)})
loader = Loader(table, 10, format="arrow", workers=2, prefetch=1)
found = 0
for step, batch in enumerate(loader):
    found += batch.num_rows
    if step % 20 == 3:
        child = os.fork()
        if child == 0:
            sys.exit(5)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
assert found == 1000
"""


def test_a_child_that_exits_ends_no_worker():
    """Its interpreter's end ends what multiprocessing knows; workers are its parent's."""
    command = [sys.executable, "-c", EXITS]
    ended = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=50)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_an_iteration_by_workers_in_a_child():
    loader = Loader(table(), 5, workers=2)
    iteration = iter(loader)
    first = ids_of([next(iteration)])

    def go_on():
        with pytest.raises(RuntimeError, match=f"of process {os.getppid()}: a forked child starts"):
            next(iteration)
        assert flat(ids_of(loader)) == list(range(ROWS))

    assert in_child(go_on) == 0
    assert flat(first + ids_of(iteration)) == list(range(ROWS))


@pytest.mark.parametrize("threads", [0, 2])
def test_an_iteration_without_workers_in_a_child(threads):
    iteration = iter(Loader(table(), 5, shuffle=True, threads=threads))
    expected = ids_of(Loader(table(), 5, shuffle=True))
    for step in range(0, len(expected), 5):
        assert in_child(lambda: ids_of(iteration) != expected[step:]) == 0
        assert ids_of(next(iteration) for _ in range(min(5, len(expected) - step))) == (
            expected[step : step + 5]
        )


def test_stats_of_a_child_are_its_own():
    loader = Loader(table(), 5)
    next(iter(loader))
    assert in_child(lambda: loader.stats()["batches"] + len(list(loader)) != 21) == 0
    assert loader.stats()["batches"] == 1
