# SPDX-License-Identifier: Apache-2.0
"""Workers that are killed, at any time."""

import contextlib
import os
import random
import signal
import threading
import time

import pytest
import torch  # noqa: F401 - its import is no part of the times here
from faults import STAGE, counts_of, filling, loader_of, processes_of, slow, wait_for
from loaders import flat, ids_of, table

from forkpolicy.loader import Loader, WorkerError
from forkpolicy.loader import workers as module

pytestmark = pytest.mark.timeout(180)


@STAGE
def test_killed_worker_is_named(stage, transform):
    loader = loader_of(stage, transform)
    iteration = iter(loader)
    stage(iteration)
    (process,) = processes_of(iteration)
    os.kill(process.pid, signal.SIGKILL)
    begun = time.monotonic()
    with pytest.raises(WorkerError) as raised:
        for _ in iteration:
            pass
    assert time.monotonic() - begun < 2
    step = loader.token().units // (1 if stage is filling else 5)
    said = f"worker 0 (pid {process.pid}) was ended by SIGKILL before it had made step {step}"
    assert str(raised.value) == said
    assert next(iteration, None) is None


@STAGE
def test_killed_worker_is_started_anew(stage, transform):
    loader = loader_of(stage, transform, restarts=1)
    expected = ids_of(loader)
    loader.set_epoch(0)
    iteration = iter(loader)
    stage(iteration)
    os.kill(processes_of(iteration)[0].pid, signal.SIGKILL)
    assert ids_of(iteration) == expected
    counts = counts_of(iteration)
    assert (counts["filling"], counts["ready"], counts["held"]) == (0, 0, 0)


def test_a_killed_worker_of_a_fork_server():
    """Which waits for it, and tells the reader how it ended."""
    loader = Loader(table(), 5, workers=1, start="forkserver", restarts=1)
    expected = ids_of(Loader(table(), 5))
    iteration = iter(loader)
    found = [next(iteration)["id"].tolist()]
    os.kill(processes_of(iteration)[0].pid, signal.SIGKILL)
    found.append(next(iteration)["id"].tolist())
    (process,) = processes_of(iteration)
    wait_for(lambda: counts_of(iteration)["ready"])
    assert found + ids_of(iteration) == expected
    iteration = iter(loader)
    (process,) = processes_of(iteration)
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(WorkerError, match=rf"pid {process.pid}. was ended by SIGKILL before"):
        list(iteration)


def killer(iteration, chance, rounds):
    """Ends a worker of the iteration at random times, so many times."""
    for _ in range(rounds):
        time.sleep(chance.random() * 0.03)
        process = chance.choice(list(processes_of(iteration)))
        with contextlib.suppress(ProcessLookupError):
            if process.pid:  # it has been started
                os.kill(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("transform", [None, lambda batch: batch])
def test_killer(transform):
    """20 deaths at random times: every row once, also in batches that are held."""
    chance = random.Random(5)
    options = {"workers": 2, "restarts": 20, "transform": transform, "prefetch": 1}
    loader = Loader(table(20_000, width=64), 20, shuffle=True, **options)
    iteration = iter(loader)
    thread = threading.Thread(target=killer, args=(iteration, chance, 20))
    thread.start()
    held, found = [], []
    for batch in iteration:
        assert (batch["vec"] == batch["id"][:, None]).all()
        found += batch["id"].tolist()
        held = (held + [batch])[-3:]
        if thread.is_alive():
            time.sleep(0.001)
    thread.join()
    assert sorted(found) == list(range(20_000))
    assert found == flat(ids_of(Loader(table(20_000), 20, shuffle=True)))
    assert ids_of(held) == [found[-60:-40], found[-40:-20], found[-20:]]
    del held, batch
    counts = counts_of(iteration)
    assert (counts["filling"], counts["ready"], counts["held"]) == (0, 0, 0)


def test_killed_at_any_time():
    """20 times the error comes soon, and names what was killed."""
    chance = random.Random(6)
    for _ in range(20):
        iteration = iter(Loader(table(500), 5, workers=2, transform=slow))
        processes = list(processes_of(iteration))
        time.sleep(chance.random() * 0.03)
        killed = chance.choice(processes).pid
        os.kill(killed, signal.SIGKILL)
        begun = time.monotonic()
        with pytest.raises(WorkerError, match=f"pid {killed}. was ended by SIGKILL"):
            list(iteration)
        assert time.monotonic() - begun < 2
        assert not any(process.is_alive() for process in processes)


def test_put_before_it_died(monkeypatch):
    """Also where it did so just after the reader had looked for the batch in vain."""
    loader = Loader(table(5), 5, workers=1)
    iteration = iter(loader)
    (process,), ring = processes_of(iteration), iteration._source._ring
    wait_for(lambda: not module._lives(process))
    get = ring.get

    def late(lane, step, wait):
        return None if wait else get(lane, step, 0)

    monkeypatch.setattr(ring, "get", late)
    assert ids_of(iteration) == [[0, 1, 2, 3, 4]]
