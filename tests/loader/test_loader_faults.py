"""Loader: workers that die or hang, limits, and forks of the reader's process.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time

import numpy
import pyarrow
import pytest
import torch  # noqa: F401 - its import is no part of the times here
from loaders import ROWS, descriptors, environment, flat, ids_of, table

from forkpolicy.loader import Loader, WorkerError
from forkpolicy.loader import workers as module

pytestmark = pytest.mark.timeout(180)


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


# Limits


LIMITED = """
import os, resource, sys
import numpy, pyarrow
from forkpolicy.loader import Loader

table = pyarrow.table({"id": numpy.arange(1000)})
loader = Loader(table, 10, format="arrow", workers=2, prefetch=2)
list(loader)
before = set(os.listdir("/proc/self/fd"))
limit, most = getattr(resource, sys.argv[1]), int(sys.argv[2])
if limit == resource.RLIMIT_NOFILE:
    most += len(before) - 1
resource.setrlimit(limit, (most, resource.getrlimit(limit)[1]))
try:
    list(loader)
    print("fine")
except Exception as error:
    print(type(error).__name__, error)
    del error
resource.setrlimit(limit, (resource.getrlimit(limit)[1],) * 2)
left = set(os.listdir("/proc/self/fd")) - before
assert len(left) in (0, 2), left  # multiprocessing leaves its first pipe where there is no second
loader.set_epoch(0)
assert sum(batch.num_rows for batch in loader) == 1000
"""


def limited(limit, most):
    command = [sys.executable, "-c", LIMITED, limit, str(most)]
    env = environment(ARROW_DEFAULT_MEMORY_POOL="system")
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=50)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.strip()


def test_limit_of_descriptors():
    said = [limited("RLIMIT_NOFILE", more) for more in (-1, 1, 3, 30)]
    assert said[0].startswith("OSError [Errno 24] no ring of 2 lanes of 4 slots of")
    assert all("Too many open files" in line for line in said[:3]) and said[3] == "fine"


def test_limits_of_memory():
    said = limited("RLIMIT_FSIZE", 1 << 20)
    assert said.startswith("OSError [Errno 27] no ring of 2 lanes of 4 slots of 268435456 bytes")
    said = limited("RLIMIT_AS", 2 << 30)
    assert said.startswith("MemoryError no ring of 2 lanes of 4 slots of 268435456 bytes")


def test_no_memory_for_a_slot(monkeypatch, capfd):
    """Neither for a batch nor for its error: the worker ends, and is named."""
    def put(*arguments):
        raise OSError(28, "no shared memory for a batch of 7 bytes")

    monkeypatch.setattr("forkpolicy.loader.ring.Ring.put", put)
    with pytest.raises(OSError, match="no shared memory for a batch of 7 bytes"):
        list(Loader(table(), 5, workers=2))
    assert capfd.readouterr().err == ""
    monkeypatch.setattr("forkpolicy.loader.ring.Ring.put_parts", put)
    with pytest.raises(WorkerError, match="worker 0 .* ended with status 1"):
        list(Loader(table(), 5, workers=2))


def test_no_process_can_be_started(monkeypatch):
    """Those that were are ended at once."""
    begun, start = [], module._start

    def limited_start(process):
        if len(begun) == 2:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        start(process)
        begun.append(process)

    monkeypatch.setattr(module, "_start", limited_start)
    before = descriptors()
    with pytest.raises(BlockingIOError) as raised:
        iter(Loader(table(), 5, workers=3))
    assert len(begun) == 2 and not any(process.is_alive() for process in begun)
    del raised
    begun.clear()
    assert descriptors() == before


def test_large_addresses_are_not_memory():
    """What a ring could have at most costs nothing before it is used."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    list(Loader(table(), 5, workers=2, prefetch=64, slot_bytes=1 << 32))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


# Forks of the reader's process


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
