"""What would go wrong without a word. SPDX-License-Identifier: Apache-2.0"""

import os
import threading

import numpy
import pyarrow
import pytest
from loaders import ROWS, flat, ids_of, table
from torch.utils.data import DataLoader

from forkpolicy.loader import Loader, Permutation, Table, WorkerError, permutation_builder

pytestmark = pytest.mark.timeout(60)


# Tokens of another content


def other(values):
    return pyarrow.table({"id": numpy.arange(ROWS), "x": values})


def test_another_content_of_the_same_shape():
    token = Loader(other(numpy.zeros(ROWS)), 10, shuffle=True).token()
    with pytest.raises(ValueError, match="of another source: its rows, columns or values differ"):
        Loader(other(numpy.ones(ROWS)), 10, shuffle=True).resume(token)
    Loader(other(numpy.zeros(ROWS)), 20, shuffle=True).resume(token)


def test_another_selection():
    def selecting(sql):
        return Loader(Permutation.identity(table()).select({"id": "id", "x": sql}), 10)

    token = selecting("x + 1").token()
    with pytest.raises(ValueError, match="of another source"):
        selecting("x + 2").resume(token)
    selecting("x + 1").resume(token)


@pytest.mark.parametrize("chunks", [1, 7])
def test_a_token_knows_no_chunks_and_no_dictionaries(chunks):
    texts = pyarrow.array([str(row % 5) for row in range(ROWS)])
    parts = numpy.array_split(numpy.arange(ROWS), chunks)
    chunked = pyarrow.chunked_array([texts.take(part) for part in parts])
    expected = Loader(pyarrow.table({"c": texts}), 10).fingerprint
    assert Loader(pyarrow.table({"c": chunked}), 10).fingerprint == expected


# A drawn seed


def test_a_seed_that_is_drawn_is_recorded():
    loader = Loader(table(), 10, shuffle=True, seed=None)
    iteration = iter(loader)
    first, state = ids_of([next(iteration)]), loader.state_dict()
    rest = ids_of(iteration)
    assert state["seed"] == loader.seed
    again = Loader(table(), 10, shuffle=True, seed=None)
    assert again.seed != loader.seed
    again.load_state_dict(state)
    assert ids_of(again) == rest and again.seed == loader.seed
    assert ids_of(Loader(table(), 10, shuffle=True, seed=loader.seed)) == first + rest
    with pytest.raises(ValueError, match="each rank would draw another one"):
        Loader(table(), 10, shuffle=True, seed=None, rank=0, world_size=2)


# SQL


@pytest.mark.parametrize("call", [Table.filter, Table.evaluate])
def test_a_nul_in_sql(call):
    with pytest.raises(ValueError, match="SQL has a NUL at character 7"):
        call(Table(table()), "id < 5\0 OR true")
    with pytest.raises(ValueError, match="NUL"):
        permutation_builder(table()).filter("id < 5\0").execute()


# Files that are mapped


def arrow_file(path, rows=50_000):
    ids = table(rows)
    with pyarrow.ipc.new_file(str(path), ids.schema) as writer:
        writer.write_table(ids, max_chunksize=5_000)
    return str(path)


def sources(path):
    whole = Permutation.identity(path)
    yield path
    yield whole.select({"id": "id + 0"})
    yield Permutation.mixture({"a": (whole, 0.5), "b": (table(), 0.5)})


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_that_was_truncated_before_an_epoch(tmp_path, which, workers):
    path = arrow_file(tmp_path / "ids.arrow")
    loader = Loader(list(sources(path))[which], 100, workers=workers)
    assert len(next(iter(loader))["id"]) == 100
    os.truncate(path, 4096)
    with pytest.raises(ValueError, match="ids.arrow has been truncated since it was opened: 4096 bytes of"):
        iter(loader)


def test_a_file_that_was_replaced_before_an_epoch(tmp_path):
    path = arrow_file(tmp_path / "ids.arrow")
    loader = Loader(path, 1000)
    os.replace(arrow_file(tmp_path / "other.arrow", 10), path)
    assert flat(ids_of(loader)) == list(range(50_000))
    os.unlink(path)
    assert flat(ids_of(loader)) == list(range(50_000))


def test_a_file_that_is_truncated_within_an_epoch(tmp_path):
    path = arrow_file(tmp_path / "ids.arrow")
    iteration = iter(Loader(path, 100, workers=1, prefetch=0))
    next(iteration)
    os.truncate(path, 4096)
    with pytest.raises(WorkerError, match="was ended by SIGBUS .a mapped file was truncated"):
        list(iteration)


# Threads


@pytest.mark.parametrize("workers", [0, 2])
def test_threads_that_share_an_iteration(workers):
    iteration, found, errors = iter(Loader(table(), 1, workers=workers)), [], []

    def read():
        try:
            for batch in iteration:
                found.append(batch["id"].item())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and sorted(found) == list(range(ROWS))


def test_a_child_forked_while_another_thread_reads():
    asked, go_on = threading.Event(), threading.Event()

    def wait(batch):
        if threading.current_thread() is not threading.main_thread():
            asked.set()
            go_on.wait()
        return batch

    iteration = iter(Loader(table(), 10, transform=wait, threads=0, prefetch=0))
    reader = threading.Thread(target=next, args=(iteration,))
    reader.start()
    asked.wait()
    pid = os.fork()
    if pid == 0:
        os._exit(0 if next(iteration)["id"].tolist() == list(range(10, 20)) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    go_on.set()
    reader.join()


# In torch's DataLoader


@pytest.mark.parametrize(
    "start, workers", [(None, 0), ("fork", 2), ("fork", 3), ("spawn", 1), ("forkserver", 1)]
)
@pytest.mark.parametrize("persistent", [False, True])
def test_each_iteration_of_a_dataset_is_the_next_epoch(start, workers, persistent):
    anew = start in ("spawn", "forkserver")
    if (persistent or anew) and not (workers and persistent):
        return
    loader = Loader(table(), 10, shuffle=True)
    expected = [ids_of(loader) for _ in range(4)]
    loader.set_epoch(0)
    batches = DataLoader(
        loader.torch_dataset(), batch_size=None, num_workers=workers,
        multiprocessing_context=start, persistent_workers=persistent,
    )  # fmt: skip
    assert [ids_of(batches) for _ in range(3)] == expected[:3]
    batches.dataset.set_epoch(1)
    assert [ids_of(batches) for _ in range(2)] == expected[1:3]
    loader.set_epoch(3)
    loader.skip(2)
    assert ids_of(batches) == expected[3][2:]


@pytest.mark.parametrize("stop", [0, 1, 5, 11])
def test_the_state_of_a_dataset_s_iteration(stop):
    whole = ids_of(DataLoader(Loader(table(), 10, shuffle=True).torch_dataset(), batch_size=None))
    iteration = iter(Loader(table(), 10, shuffle=True).torch_dataset())
    found = [next(iteration)["id"].tolist() for _ in range(stop)]
    state = iteration.state_dict()
    again = iter(Loader(table(), 10, shuffle=True).torch_dataset())
    again.load_state_dict(state)
    assert found + ids_of(again) == whole
    with pytest.raises(ValueError, match="of another order"):
        iter(Loader(table(), 10, shuffle=True, seed=1).torch_dataset()).load_state_dict(state)
    with pytest.raises(ValueError, match="of 2 workers, not 1"):
        again.load_state_dict({**state, "of": 2})


class DataLoaderDispatcher:
    """As accelerate's: rank 0 reads, and shares out."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __iter__(self):
        yield from self.dataset


def test_ranks_are_not_shared_out_twice():
    alone = Loader(table(), 10)
    assert flat(ids_of(DataLoaderDispatcher(alone.torch_dataset()))) == list(range(ROWS))
    one_of_two = Loader(table(), 10, rank=0, world_size=2)
    with pytest.raises(RuntimeError, match="accelerate's DataLoaderDispatcher shares out batches"):
        list(DataLoaderDispatcher(one_of_two.torch_dataset()))
    assert len(ids_of(DataLoader(one_of_two.torch_dataset(), batch_size=None))) == 6


# Workers that stay


def pids(batches):
    return {int(batch["pid"]) for batch in batches}


def with_pid(batch):
    return {**batch, "pid": os.getpid()}


@pytest.mark.parametrize(
    "start, persistent", [("fork", True), ("spawn", None), ("forkserver", None), ("fork", None)]
)
def test_workers_that_stay(start, persistent):
    stays = persistent or start != "fork"
    workers = 2 if start == "fork" else 1
    options = {"shuffle": True, "workers": workers, "start": start, "persistent": persistent}
    loader = Loader(table(), 10, transform=with_pid, **options)
    expected = Loader(table(), 10, shuffle=True)
    first = list(loader)
    second = list(loader)
    assert ids_of(first) == ids_of(expected) and ids_of(second) == ids_of(expected)
    assert (pids(first) == pids(second)) == bool(stays)
    assert len(pids(first)) == workers
    if start != "fork":
        return
    held = next(iter(loader))  # and ends in the middle
    loader.set_epoch(1)
    third = list(loader)
    assert ids_of(third) == ids_of(second) and held["id"].tolist() == ids_of(expected)[0]
    one, other = iter(loader), iter(loader)
    assert ids_of(one) == ids_of(other)


def test_workers_that_stay_end_with_their_loader():
    loader = Loader(table(), 10, transform=with_pid, workers=1, persistent=True)
    (pid,) = pids(list(loader))
    os.kill(pid, 0)
    del loader
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_worker_that_stayed_and_was_killed():
    loader = Loader(table(), 10, transform=with_pid, workers=1, persistent=True)
    (pid,) = pids(list(loader))
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    loader.set_epoch(0)
    assert flat(ids_of(loader)) == list(range(ROWS))
