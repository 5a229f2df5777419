"""Transforms by threads of this process, and what counts their time.

SPDX-License-Identifier: Apache-2.0"""

import gc
import os
import signal
import subprocess
import sys
import threading
import time

import pyarrow
import pytest
from loaders import JOBS, ROWS, environment, flat, ids_of, table
from support import LIBRARY

from forkpolicy.loader import Loader, Permutation, pool

pytestmark = pytest.mark.timeout(60)
LONG = 30  # seconds: the limit of a wait for an event


def keep(batch):
    return batch


def ours():
    """Threads of pools."""
    return [thread for thread in threading.enumerate() if thread.name.startswith(pool.NAME)]


def all_end():
    for thread in ours():
        thread.join(LONG)
    return not ours()


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    gc.collect()
    assert all_end()


class Meeting:
    """A transform that goes on only where so many of it run at once."""

    def __init__(self, threads):
        self._barrier = threading.Barrier(threads)

    def __call__(self, batch):
        self._barrier.wait(LONG)
        return batch


class Gate:
    """A transform that waits: for open() in all batches whose first id is `at` or more."""

    def __init__(self, at=0):
        self._at, self.entered, self._open = at, threading.Semaphore(0), threading.Event()

    def __call__(self, batch):
        if int(batch["id"][0]) >= self._at:
            self.entered.release()
            assert self._open.wait(LONG)
        return batch

    def open(self):
        self._open.set()


# Batches


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("prefetch", [0, 2])
def test_the_batches_are_the_same_in_the_same_order(threads, prefetch):
    options = {"shuffle": True, "prefetch": prefetch}
    expected = Loader(table(), 10, **options)
    by_threads = Loader(table(), 10, transform=keep, transform_threads=threads, **options)
    for _ in range(2):
        assert ids_of(by_threads) == ids_of(expected)


def test_so_many_transforms_run_at_once():
    loader = Loader(table(90), 10, transform=Meeting(3), transform_threads=3, prefetch=0)
    assert flat(ids_of(loader)) == list(range(90))


def test_the_last_ones_first():
    """A batch that takes long holds up those behind it, which keep their order."""
    gate, second = Gate(), threading.Event()

    def transform(batch):
        if int(batch["id"][0]) == 0:
            assert second.wait(LONG)
        elif int(batch["id"][0]) == 10:
            second.set()
        return batch

    gate.open()
    assert flat(ids_of(Loader(table(), 10, transform=transform, transform_threads=2))) == list(range(ROWS))


def test_blocks():
    docs = Permutation.identity({"tokens": table().column("id").to_numpy().reshape(-1, 1)})
    packing = {"pack_sequences": "tokens", "sequence_length": 8, "eos_id": 0}
    expected = [batch["tokens"].tolist() for batch in Loader(docs, 2, **packing)]
    threads = Loader(docs, 2, transform=keep, transform_threads=2, **packing)
    assert [batch["tokens"].tolist() for batch in threads] == expected


def test_its_place_is_behind_the_batches_that_were_given():
    loader = Loader(table(), 10, shuffle=True, transform=keep, transform_threads=3)
    iteration = iter(loader)
    given = ids_of([next(iteration) for _ in range(4)])
    again = Loader(table(), 10, shuffle=True)
    again.resume(loader.token())
    assert given + ids_of(again) == ids_of(Loader(table(), 10, shuffle=True))


def test_in_a_data_loader():
    from torch.utils.data import DataLoader

    dataset = Loader(table(120), 10, transform=Meeting(2), transform_threads=2).torch_dataset()
    batches = DataLoader(dataset, batch_size=None, num_workers=2)
    assert flat(ids_of(batches)) == list(range(120))


@pytest.mark.parametrize(
    "options, error, said",
    [
        ({"transform_threads": -1}, ValueError, "transform_threads must be at least 0, not -1"),
        ({"transform_threads": 1.5}, TypeError, "transform_threads must be an int, not float"),
        ({"transform_threads": 2, "workers": 1}, ValueError, "either workers or transform_threads"),
    ],
)
def test_arguments(options, error, said):
    with pytest.raises(error, match=said):
        Loader(table(), 10, transform=keep, **options)


# Errors


def fails_at_50(batch):
    if 50 in batch["id"]:
        raise LookupError("no 50")
    return batch


@pytest.mark.parametrize("making", [{}, {"transform_threads": 3}, {"workers": 2}])
def test_an_error_comes_in_its_turn_and_names_its_batch(making):
    loader, given = Loader(table(), 10, transform=fails_at_50, **making), []
    with pytest.raises(LookupError, match="no 50") as raised:
        for batch in loader:
            given += batch["id"].tolist()
    assert given == list(range(50))
    if sys.version_info >= (3, 11):
        place = "from row 50 of 103 of epoch 0 on"
        assert raised.value.__notes__ == [f"forkpolicy.loader: in the batch {place}"]
    assert loader.token().units == 50


def test_an_error_of_a_take_comes_in_its_turn():
    class Fails:
        schema = pyarrow.schema([field.with_nullable(False) for field in table().schema])

        def count_rows(self):
            return ROWS

        def fingerprint(self):
            return "1"

        def take(self, rows, columns):
            if 50 in rows:
                raise OSError("cannot be read")
            return table().take(rows).cast(self.schema).select(columns).combine_chunks().to_batches()[0]

    loader, given = Loader(Fails(), 10, transform=keep, transform_threads=3, prefetch=0), []
    with pytest.raises(OSError, match="cannot be read"):
        for batch in loader:
            given += batch["id"].tolist()
    assert given == list(range(50))


def test_rows_that_are_left_out():
    loader = Loader(table(), 10, transform=fails_at_50, transform_threads=3, on_error="skip")
    assert flat(ids_of(loader)) == [row for row in range(ROWS) if row != 50]
    assert loader.stats()["left_out"] == 1


def test_a_stop_iteration_of_a_transform():
    def stops(batch):
        raise StopIteration

    with pytest.raises(RuntimeError, match="the transform raised StopIteration"):
        list(Loader(table(), 10, transform=stops, transform_threads=2))


# Ends


def test_a_loop_that_is_left():
    for batch in Loader(table(), 10, transform=keep, transform_threads=3):
        break
    assert all_end()


@pytest.mark.parametrize("end", ["close", "collect"])
def test_an_iteration_that_ends_while_transforms_run(end):
    gate = Gate(at=10)
    iteration = iter(Loader(table(), 10, transform=gate, transform_threads=3))
    next(iteration)
    for _ in range(3):
        assert gate.entered.acquire(timeout=LONG)
    if end == "close":
        iteration.close()
        with pytest.raises(StopIteration):
            next(iteration)
    del iteration
    gate.open()
    assert all_end()
    assert not gate.entered.acquire(blocking=False)  # what had not begun never does


@pytest.mark.parametrize("ends", ["sigint", "exit", "by_thread"])
def test_a_process_that_ends(ends):
    command = [sys.executable, str(JOBS / "transform_threads.py"), ends]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    job = subprocess.Popen(command, env=environment(), **pipes)
    try:
        assert job.stdout.readline() == "begun\n"
        if ends == "sigint":
            job.send_signal(signal.SIGINT)
        said, errors = job.stdout.read(), job.stderr.read()
        job.wait(LONG)
    finally:
        job.kill()
    assert "KeyboardInterrupt" in errors if ends == "sigint" else errors == "", errors
    assert job.returncode == (-signal.SIGINT if ends == "sigint" else 0)
    assert said == {"sigint": "1 waits\n", "exit": "", "by_thread": "103\n"}[ends]


def test_a_call_that_takes_longer_than_a_look(monkeypatch):
    monkeypatch.setattr(pool, "LOOK", 0.001)
    loader = Loader(table(), 10, transform=sleeps, transform_threads=2)
    assert flat(ids_of(loader)) == list(range(ROWS))
    assert loader.stats()["batches"] == 11


# Forks


def in_child(function):
    """Its status: 0 where the function gives True."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            signal.alarm(LONG)
            status = 0 if function() else 2
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1]


@pytest.mark.parametrize("given", [0, 1, 5])
def test_parent_and_child_go_on(given):
    iteration = iter(Loader(table(), 10, transform=keep, transform_threads=3))
    first = flat(ids_of([next(iteration) for _ in range(given)]))

    def goes_on():
        return first + flat(ids_of(iteration)) == list(range(ROWS))

    assert in_child(goes_on) == 0
    assert goes_on()


def test_no_thread_of_a_pool_is_there_at_a_fork():
    iteration = iter(Loader(table(), 10, transform=Meeting(1), transform_threads=3))
    next(iteration)
    seen = []
    os.register_at_fork(after_in_parent=lambda: seen.append(ours()))
    assert in_child(lambda: True) == 0
    assert seen == [[]]
    assert len(list(iteration)) == 10


def test_a_transform_that_ends_before_the_fork_does():
    """The fork waits for it, so that no lock of its own is held in the child."""
    lock, entered = threading.Lock(), threading.Event()

    def transform(batch):
        with lock:
            entered.set()
            time.sleep(0.05)
        return batch

    iteration = iter(Loader(table(), 10, transform=transform, transform_threads=2))
    next(iteration)
    entered.clear()
    assert entered.wait(LONG)

    def goes_on():
        assert not lock.locked()
        return len(list(iteration)) == 10

    assert in_child(goes_on) == 0
    assert len(list(iteration)) == 10


def test_a_transform_that_waits_for_the_one_who_forks(monkeypatch):
    monkeypatch.setattr(pool, "QUIET", 0.05)
    gate = Gate(at=10)
    iteration = iter(Loader(table(), 10, transform=gate, transform_threads=2))
    next(iteration)
    assert gate.entered.acquire(timeout=LONG)

    def goes_on():
        gate.open()
        return flat(ids_of(iteration)) == list(range(10, ROWS))

    assert in_child(goes_on) == 0  # where the transforms begin anew
    assert goes_on()


def test_a_transform_that_forks():
    def transform(batch):
        return {**batch, "status": in_child(lambda: True)}

    found = list(Loader(table(), 10, transform=transform, transform_threads=3))
    assert flat(ids_of(found)) == list(range(ROWS))
    assert {batch["status"] for batch in found} == {0}


def test_forks_by_another_thread():
    statuses, ended = [], threading.Event()

    def forks():
        while not ended.is_set():
            statuses.append(in_child(lambda: True))

    forker = threading.Thread(target=forks)
    forker.start()
    try:
        loader = Loader(table(), 1, transform=keep, transform_threads=2)
        for _ in range(3):
            assert flat(ids_of(loader)) == list(range(ROWS))
    finally:
        ended.set()
        forker.join()
    assert set(statuses) == {0}


@pytest.mark.parametrize("policy", [None, "fail", "refuse"])
def test_under_the_shim(policy):
    env = environment(LD_PRELOAD=str(LIBRARY), **({"FORKPOLICY": policy} if policy else {}))
    command = [sys.executable, str(JOBS / "transform_threads.py"), "forks"]
    job = subprocess.run(command, env=env, capture_output=True, text=True, timeout=LONG)
    assert (job.returncode, job.stdout, job.stderr) == (0, "begun\n103 103\n", "")


# Time


def sleeps(batch):
    time.sleep(0.005)
    return batch


@pytest.mark.parametrize("making", [{}, {"transform_threads": 2}, {"workers": 2}])
def test_time_is_counted(making):
    loader = Loader(table(), 10, transform=sleeps, **making)
    for epoch in range(2):
        before = loader.stats()
        begun = time.perf_counter_ns()
        assert len(list(loader)) == 11
        passed = time.perf_counter_ns() - begun
        found = {name: loader.stats()[name] - before[name] for name in before}
        assert found["transform_ns"] >= 11 * 5_000_000
        assert 0 < found["fetch_ns"] <= 2 * passed
        assert 0 < found["wait_ns"] <= passed


@pytest.mark.parametrize("making", [{}, {"threads": 0}, {"workers": 1}])
def test_time_without_a_transform(making):
    loader = Loader(table(), 10, **making)
    list(loader)
    assert loader.stats()["fetch_ns"] > 0 and loader.stats()["transform_ns"] > 0
