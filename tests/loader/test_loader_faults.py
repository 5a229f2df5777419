# SPDX-License-Identifier: Apache-2.0
"""Loader: workers that hang, end or are interrupted."""

import os
import signal
import sys
import threading
import time

import pytest
import torch  # noqa: F401 - its import is no part of the times here
from faults import hang, processes_of, slow
from loaders import ROWS, flat, ids_of, table

from forkpolicy.loader import Loader, WorkerError
from forkpolicy.loader import workers as module

pytestmark = pytest.mark.timeout(180)


def test_ctrl_c_within_a_finalizer(monkeypatch):
    """The workers are ended all the same, and it is heard of a little later."""
    end, calls = module._end, []

    def interrupted(ring, processes):
        calls.append(processes)
        if len(calls) == 1:
            raise KeyboardInterrupt
        end(ring, processes)

    monkeypatch.setattr(module, "_end", interrupted)
    iteration = iter(Loader(table(), 5, workers=2))
    processes = processes_of(iteration)
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        del iteration
        time.sleep(5)
    assert time.monotonic() - begun < 3
    assert len(calls) == 2 and not any(process.is_alive() for process in processes)


def test_ends_of_other_kinds():
    for end, said in [
        (lambda: os._exit(0), "ended with status 0"), (lambda: sys.exit(7), "ended with status 7"),
        (lambda: os.kill(os.getpid(), signal.SIGUSR1), "was ended by SIGUSR1"),
        (lambda: os.kill(os.getpid(), 40), "was ended by"),
    ]:  # fmt: skip
        def transform(batch, end=end):
            if 20 in batch["id"]:
                end()
            return batch

        found = []
        with pytest.raises(WorkerError, match=f"worker 0 .* {said} .* step 2"):
            for batch in Loader(table(), 10, workers=2, transform=transform):
                found += batch["id"].tolist()
        assert found == list(range(20))


@pytest.mark.parametrize("restarts", [0, 30])
def test_somebody_else_waits_for_the_worker(restarts):
    """Then nobody knows how it has ended; that it has is seen."""
    loader = Loader(table(), 5, workers=2, transform=slow, restarts=restarts)
    iteration = iter(loader)
    found = next(iteration)["id"].tolist()
    pids = [process.pid for process in processes_of(iteration)]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    if restarts:
        assert found + flat(ids_of(iteration)) == list(range(ROWS))
        return
    with pytest.raises(WorkerError, match="has ended before it had made"):
        list(iteration)


def test_children_are_not_waited_for():
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        iteration = iter(Loader(table(), 5, workers=2, transform=slow))
        os.kill(processes_of(iteration)[1].pid, signal.SIGKILL)
        with pytest.raises(WorkerError, match="worker 1 .* has ended"):
            list(iteration)
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_hang():
    loader = Loader(table(), 10, workers=2, timeout=0.5, transform=hang)
    iteration, found = iter(loader), []
    pids = [process.pid for process in processes_of(iteration)]
    begun = time.monotonic()
    with pytest.raises(WorkerError) as raised:
        for batch in iteration:
            found += batch["id"].tolist()
    assert 0.5 < time.monotonic() - begun < 3
    said = f"worker 0 (pid {pids[0]}) has not made step 4 within 0.5 s (timeout)"
    assert str(raised.value) == said and found == list(range(40))
    assert not any(process.is_alive() for process in processes_of(iteration))


def deaf(batch):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if 0 not in batch["id"]:
        time.sleep(1000)
    return batch


def test_workers_that_do_not_end(monkeypatch):
    """All of them together have so many seconds, then they are killed."""
    monkeypatch.setattr(module, "END", 1)
    iteration = iter(Loader(table(), 10, workers=4, transform=deaf))
    next(iteration)
    time.sleep(0.2)
    begun = time.monotonic()
    iteration.close()
    assert 0.9 < time.monotonic() - begun < 2
    assert not any(process.is_alive() for process in processes_of(iteration))


def test_a_thread_that_ends():
    """Workers belong to the process, not to the thread that has started them."""
    made = []
    thread = threading.Thread(
        target=lambda: made.append(iter(Loader(table(), 5, workers=2, transform=slow)))
    )
    thread.start()
    thread.join()
    time.sleep(0.1)
    assert flat(ids_of(made[0])) == list(range(ROWS))
