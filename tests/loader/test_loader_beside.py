"""The Loader's other sources and arguments, and what is beside it. SPDX-License-Identifier: Apache-2.0"""

import multiprocessing
import pickle
import sys
import types

import numpy
import pyarrow
import pytest
import torch
from loaders import ROWS, descriptors, flat, ids_of, table
from small_loaders import EITHER
from torch.utils.data import DataLoader

from forkpolicy.loader import Loader, Permutation, Schedule, collate

pytestmark = pytest.mark.timeout(180)


# Sources of other kinds


@EITHER
def test_packing(workers):
    documents = pyarrow.table({"t": [list(range(1, 1 + n % 9)) for n in range(200)]})
    options = {"pack_sequences": "t", "sequence_length": 16, "eos_id": 99, "pack_window": 32}
    loader = Loader(documents, 4, shuffle=True, workers=workers, **options)
    for epoch in range(2):
        blocks = Permutation.identity(documents).shuffle(0).packed("t", 16, eos_id=99, window=32)
        blocks = blocks.with_epoch(epoch)
        assert len(loader) == -(-len(blocks) // 4)
        batches = list(loader)
        for step, batch in enumerate(batches):
            expected = blocks.batch(range(4 * step, min(len(blocks), 4 * step + 4)))
            assert batch.keys() == expected.keys()
            assert all(torch.equal(batch[k], torch.from_numpy(expected[k])) for k in batch)
    loader.set_epoch(1)
    loader.skip(3)
    again = Loader(documents, 4, shuffle=True, **options)
    again.load_state_dict(loader.state_dict())
    assert [b["tokens"].tolist() for b in again] == [b["tokens"].tolist() for b in batches[3:]]
    lengths = Loader(documents, 4, transform=lambda batch: batch["tokens"].shape, **options)
    assert list(lengths)[0] == (4, 16)
    arrays = Loader(documents, 4, format="numpy", workers=workers, **options)
    assert type(next(iter(arrays))["tokens"]) is numpy.ndarray


@EITHER
def test_mixture_and_weights(workers):
    web = pyarrow.table({"id": numpy.arange(1000)})
    code = pyarrow.table({"id": numpy.arange(-500, 0)})
    sources = {"web": (Permutation.identity(web).shuffle(1), 0.75), "code": (code, 0.25)}
    mixed = Permutation.mixture(sources, stop=2048).with_format("tensor")
    loader = Loader(mixed, 100, workers=workers)
    first, second = flat(ids_of(loader)), flat(ids_of(loader))
    assert first == flat(ids_of(mixed.iter(100))) != second
    assert sum(row < 0 for row in first[:1024]) == sum(row < 0 for row in second[:1024]) == 256
    often = Permutation.identity(web).weighted([1] + [0] * 999, 50).with_format("tensor")
    assert flat(ids_of(Loader(often, 20, workers=workers))) == [0] * 50


# Beside it


def test_stats():
    loader = Loader(table(), 10, shuffle=True)
    assert set(loader.stats().values()) == {0}
    for step, batch in enumerate(loader):
        found = loader.stats()
        assert (found["batches"], found["consumed"]) == (step + 1, min(ROWS, 10 * step + 10))
    assert (found["rows"], found["units"], found["left_out"], found["epoch"]) == (ROWS, ROWS, 0, 0)
    assert found["wait_ns"] > 0 and found["bytes"] == ROWS * 16 and found["workers"] == 0
    loader = Loader(table(), 10, workers=2)
    list(loader)
    found = loader.stats()
    assert found["workers"] == 2 and found["bytes"] >= ROWS * 16
    assert found["slots_free"] + found["slots_ready"] + found["slots_held"] == 2 * (2 + 2)


def test_progress(capsys):
    loader = Loader(table(), 10, progress=True)
    list(loader)
    assert "epoch 0: 100%" in capsys.readouterr().err
    loader.skip(5)
    list(loader)
    said = capsys.readouterr().err
    assert "epoch 1" in said and "5/11" in said and "11/11" in said
    assert "epoch" not in capsys.readouterr().out


def test_progress_without_tqdm(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert len(list(Loader(table(), 10, progress=True))) == 11
    assert capsys.readouterr().err == ""


def _in_child(loader, queue):
    queue.put((str(loader.token()), ids_of(loader), loader.stats()["batches"]))


def test_pickled_into_a_spawned_process():
    loader = Loader(table(), 10, shuffle=True)
    every = ids_of(loader)
    loader.set_epoch(0)
    loader.skip(2)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(loader, queue))
    child.start()
    assert queue.get(timeout=50) == (str(loader.token()), every[2:], 9)
    child.join()
    copied = pickle.loads(pickle.dumps(loader))
    assert ids_of(copied) == every[2:] and loader.epoch == 0
    packed = Loader(pyarrow.table({"t": ["abc"] * 9}), 2, pack_sequences="t", sequence_length=4)
    again = pickle.loads(pickle.dumps(packed))
    assert [b["tokens"].tolist() for b in again] == [b["tokens"].tolist() for b in packed]


def test_descriptors_stay_as_many():
    seen = []
    loader = Loader(table(), 10, workers=2, transform=lambda batch: batch)
    for _ in range(5):
        kept = list(loader)
        del kept
        seen.append(len(descriptors()))
        for _ in loader:
            break
        seen.append(len(descriptors()))
    assert len(set(seen)) == 1


# Arguments


OF_ALL = {"batch_size": 10}
WRONG = [
    ({}, ValueError, "batch_size and global_batch_size"),
    ({"batch_size": 1, "global_batch_size": 1}, ValueError, "batch_size and global_batch_size"),
    ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
    ({"batch_size": "1"}, TypeError, "batch_size must be an int"),
    ({"batch_size": 2.0}, TypeError, "batch_size must be an int"),
    ({"global_batch_size": 0}, ValueError, "global_batch_size must be at least 1"),
    ({"global_batch_size": []}, TypeError, "global_batch_size must be an int"),
    ({**OF_ALL, "drop_last": True, "pad": True}, ValueError, "drop_last or pad"),
    ({**OF_ALL, "shuffle": True, "seed": -1}, ValueError, "seed must be at least 0"),
    ({**OF_ALL, "shuffle": True, "seed": "a"}, TypeError, "seed must be an int"),
    ({**OF_ALL, "shuffle": True, "clump_size": 0}, ValueError, "clump_size must be at least 1"),
    ({**OF_ALL, "shuffle": True, "shard": 0}, ValueError, "shard must be"),
    ({**OF_ALL, "shuffle": True, "window": "a"}, TypeError, "window must be"),
    ({**OF_ALL, "shard": 4}, ValueError, "shard, window: without shuffle"),
    ({**OF_ALL, "epoch": -1}, ValueError, "epoch must be at least 0"),
    ({**OF_ALL, "columns": ["nothing"]}, ValueError, "column `nothing`"),
    ({**OF_ALL, "columns": "id"}, TypeError, "columns must be a list"),
    ({**OF_ALL, "format": "bogus"}, ValueError, "format: bogus"),
    ({**OF_ALL, "transform": 1}, TypeError, "transform must be callable, not int"),
    ({**OF_ALL, "on_error": "ignore"}, ValueError, "on_error must be raise, skip, warn or a"),
    ({**OF_ALL, "workers": -1}, ValueError, "workers must be at least 0"),
    ({**OF_ALL, "workers": 1024}, ValueError, "workers must be less than 1024"),
    ({**OF_ALL, "start": "thread"}, ValueError, "start must be one of fork, spawn, forkserver"),
    ({**OF_ALL, "prefetch": -1}, ValueError, "prefetch must be at least 0"),
    ({**OF_ALL, "prefetch": 1023}, ValueError, "prefetch must be less than 1023"),
    ({**OF_ALL, "threads": 257}, ValueError, "threads must be less than 257"),
    ({**OF_ALL, "prefetch_bytes": -1}, ValueError, "prefetch_bytes must be at least 0"),
    ({**OF_ALL, "slot_bytes": 0}, ValueError, "slot_bytes must be at least 1"),
    ({**OF_ALL, "timeout": 0}, ValueError, "timeout must be above 0"),
    ({**OF_ALL, "timeout": float("nan")}, ValueError, "timeout must be above 0"),
    ({**OF_ALL, "timeout": "5"}, TypeError, "timeout must be seconds or None"),
    ({**OF_ALL, "restarts": -1}, ValueError, "restarts must be at least 0"),
    ({**OF_ALL, "pack_sequences": "id"}, TypeError, "sequence_length must be an int"),
    ({**OF_ALL, "sequence_length": 8}, ValueError, "sequence_length: without pack_sequences"),
    ({**OF_ALL, "rank": 1}, ValueError, "world_size is missing"),
    ({**OF_ALL, "rank": 2, "world_size": 2}, ValueError, "rank must be less than 2"),
]


@pytest.mark.parametrize("options, kind, said", WRONG, ids=map(str, range(len(WRONG))))
def test_wrong_arguments(options, kind, said):
    with pytest.raises(kind) as raised:
        Loader(table(), **options)
    assert said in str(raised.value)


def test_wrong_arguments_of_packing():
    documents = pyarrow.table({"t": [[1, 2]], "x": [1.0]})
    options = {"batch_size": 1, "pack_sequences": "t", "sequence_length": 4}
    for wrong, said in [
        ({"pack_sequences": "q"}, "`q`"), ({"sequence_length": 0}, "sequence_length"),
        ({"eos_id": 1 << 70}, "eos_id"), ({"pad_id": 1 << 70}, "pad_id"),
        ({"pack_window": 0}, "window"), ({"on_error": "skip"}, "on_error"),
    ]:  # fmt: skip
        with pytest.raises(ValueError) as raised:
            Loader(documents, **{**options, **wrong})
        assert said in str(raised.value)
    with pytest.raises(TypeError):
        Loader(documents, **{**options, "pack_sequences": "x"})


def test_wrong_sources_and_calls():
    with pytest.raises(TypeError, match="int is no table"):
        Loader(1, 10)
    loader = Loader(table(), 10)
    for call, said in [
        (lambda: loader.set_epoch(-1), "epoch must be"), (lambda: loader.skip(-1), "steps must be"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=said):
            call()


def test_wrong_ranks_of_the_environment(monkeypatch):
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="RANK=3 in the environment"):
        Loader(table(), 10)
    monkeypatch.setenv("RANK", "1")
    assert ids_of(Loader(table(4), 1)) == [[1], [3]]


# In torch's DataLoader

ANEW = "spawn", "forkserver"

@pytest.mark.parametrize("start, workers", [(None, 0), ("fork", 2), ("spawn", 1), ("forkserver", 1)])
def test_torch_dataset(start, workers):
    loader = Loader(table(), 10, shuffle=True, threads=2)
    expected = [ids_of(loader) for _ in range(2)]
    dataset = loader.torch_dataset()
    batches = DataLoader(
        dataset, batch_size=None, num_workers=workers, multiprocessing_context=start
    )
    assert len(batches) == 11
    for epoch in [1] if start in ANEW else [0, 1]:
        dataset.set_epoch(epoch)
        assert ids_of(batches) == expected[epoch]
    if start not in ANEW:
        loader.skip(4)
        assert ids_of(batches) == expected[1][4:] and loader.token().units == 40


@pytest.mark.parametrize("start, workers", [(None, 0), ("fork", 2), ("spawn", 1), ("forkserver", 1)])
def test_permutation_in_a_dataloader(start, workers):
    source = Permutation.identity(table()).shuffle(5).with_format("tensor")
    batches = DataLoader(
        source, 10, num_workers=workers, multiprocessing_context=start, collate_fn=collate
    )
    for epoch in [1] if start in ANEW else [0, 1]:
        source.set_epoch(epoch)
        assert ids_of(batches) == ids_of(source.iter(10))


def test_a_spawned_worker_s_rank(monkeypatch):
    """It has no process group; the dataset brings the rank along. A Loader finds its own."""
    loader = Loader(table(), 10)
    group = types.SimpleNamespace(
        is_available=lambda: True, is_initialized=lambda: True, get_rank=lambda: 1,
        get_world_size=lambda: 2,
    )  # fmt: skip
    dataset = loader.torch_dataset()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "torch.distributed", group)
        expected, pickled, alone = ids_of(loader), pickle.dumps(dataset), pickle.dumps(loader)
        assert expected[0] == list(range(10, 20))
    loader.set_epoch(0)
    other = pickle.loads(pickled)
    other.set_epoch(0)
    assert ids_of(other) == expected != ids_of(pickle.loads(alone))
    assert len(ids_of(pickle.loads(pickle.dumps(dataset)))) == 11


def test_shares_as_the_schedule_says():
    for rank in range(3):
        loader = Loader(table(), global_batch_size=10, rank=rank, world_size=3)
        schedule = Schedule(ROWS, 10, rank=rank, world_size=3)
        assert ids_of(loader) == [schedule.share(step).tolist() for step in range(11)]
