"""Loader: its batches, its place, its arguments. SPDX-License-Identifier: Apache-2.0"""

import itertools
import multiprocessing
import pickle
import sys
import types

import numpy
import polars
import pyarrow
import pytest
import torch
from loaders import ROWS, descriptors, flat, ids_of, table
from torch.utils.data import DataLoader

from forkpolicy.loader import Loader, Masked, Permutation, Ragged, Schedule, Token, collate

pytestmark = pytest.mark.timeout(180)
EITHER = pytest.mark.parametrize("workers", [0, 2])


# What it gives


def test_defaults():
    loader = Loader(table(), 10)
    batches = list(loader)
    assert len(loader) == len(batches) == 11
    expected = [list(range(first, min(ROWS, first + 10))) for first in range(0, ROWS, 10)]
    assert ids_of(batches) == expected
    assert list(batches[0]) == ["id", "x"] and batches[0]["x"].dtype == torch.float64
    assert loader.epoch == 1 and loader.stats()["batches"] == 11
    for ahead in {"threads": 0}, {"threads": 3}, {"prefetch_bytes": 0}, {"workers": 1}:
        assert ids_of(Loader(table(), 10, prefetch=0, **ahead)) == expected


def test_shuffled_by_seed_and_epoch():
    def epochs(seed, count=2):
        loader = Loader(table(), 10, shuffle=True, seed=seed)
        return [flat(ids_of(loader)) for _ in range(count)]

    first, second = epochs(1)
    assert sorted(first) == sorted(second) == list(range(ROWS)) != first != second
    assert epochs(1) == [first, second] and epochs(2, 1) != [first]
    shuffled = Permutation.identity(table()).shuffle(1).with_format("tensor")
    assert flat(ids_of(shuffled.iter(10))) == first
    near = flat(ids_of(Loader(table(), 10, shuffle=True, shard=4, window=16)))
    assert sorted(near) == list(range(ROWS)) and near != list(range(ROWS))


@EITHER
@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_give_the_same(workers, start):
    if start == "spawn" and not workers:
        return
    loader = Loader(table(width=3), 8, shuffle=True, workers=workers, start=start)
    expected = Permutation.identity(table(width=3)).shuffle(0).with_format("tensor")
    found = list(itertools.zip_longest(loader, expected.iter(8)))
    assert len(found) == 13
    for ours, theirs in found:
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


TYPES = {
    "python": list, "python_col": dict, "numpy": numpy.ndarray, "arrow": pyarrow.RecordBatch,
    "polars": polars.DataFrame, "torch": list, "torch_row": list, "torch_col": torch.Tensor,
    "tensor": dict,
}  # fmt: skip


@EITHER
@pytest.mark.parametrize("format", TYPES)
@pytest.mark.parametrize("with_transform", [False, True])
def test_formats(format, workers, with_transform):
    if format == "polars" and workers and with_transform:
        return  # its threads are not there in a forked child
    transform = (lambda batch: batch) if with_transform else None
    loader = Loader(table(5), 2, format=format, workers=workers, transform=transform)
    expected = Permutation.identity(table(5)).with_format(format).iter(2)
    for batch, same in itertools.zip_longest(loader, expected):
        assert isinstance(batch, TYPES[format])
        assert str(batch) == str(same)


def test_the_source_s_format_and_functions():
    source = Permutation.identity(table()).with_transform(lambda batch: batch.num_rows)
    assert list(Loader(source, 50)) == [50, 50, 3]
    mapped = Permutation.identity(table()).with_format("python")
    mapped = mapped.map(lambda rows: rows[:1] * len(rows))
    doubled = Loader(mapped, 50, transform=lambda rows: [row["id"] * 2 for row in rows])
    assert list(doubled) == [[0] * 50, [100] * 50, [200] * 3]


@EITHER
def test_columns(workers):
    loader = Loader(table(), 50, columns=["x", "_rowid"], workers=workers, shuffle=True)
    batch = next(iter(loader))
    assert list(batch) == ["x", "_rowid"]
    assert torch.equal(batch["_rowid"].double(), batch["x"] * 2)
    alone = Loader(table(), 50, columns=["_rowid"], workers=workers)
    assert flat(batch["_rowid"].tolist() for batch in alone) == list(range(ROWS))


VALUES = {
    "empty": torch.empty(0, 3), "no stride": torch.from_numpy(numpy.empty(8)[:0:9]),
    "one": torch.ones(1).expand(5)[2:3], "part": torch.arange(9)[3:5], "byte": torch.tensor(7),
    "negative": torch.ones(2, dtype=torch.cfloat).conj().imag, "scalar": torch.tensor(2.5),
    "bool": torch.tensor([True, False]),
    "bfloat16": torch.ones(3, dtype=torch.bfloat16), "complex": torch.ones(2, dtype=torch.cfloat),
    "strided": torch.arange(6).reshape(2, 3).T, "grad": torch.ones(2, requires_grad=True),
    "parameter": torch.nn.Parameter(torch.ones(2)), "fortran": numpy.ones((2, 3), order="F"),
    "conjugate": torch.ones(2, dtype=torch.cfloat).conj(), "objects": numpy.array([None, "a"]),
    "records": numpy.zeros(2, [("a", "i4"), ("b", "f8")]), "none": None, "text": "t" * 100_000,
    "arrow": pyarrow.table({"a": [[1], None]}), "nested": [{"a": (torch.ones(1), b"b")}],
    "nothing": numpy.empty(0), "reversed": numpy.arange(5)[::-1],
    "ragged": Ragged(torch.ones(3), torch.tensor([0, 3])), "masked": Masked(torch.ones(1), None),
    "sparse": torch.eye(2).to_sparse(),
}  # fmt: skip


def test_what_a_worker_can_give():
    def transform(batch):
        return types.SimpleNamespace(**VALUES)

    for batch in Loader(table(4), 2, workers=1, transform=transform):
        for name, value in vars(batch).items():
            assert type(value) is type(VALUES[name]), name
            assert str(value) == str(VALUES[name]), name
            if isinstance(value, torch.Tensor):
                assert value.dtype == VALUES[name].dtype and value.shape == VALUES[name].shape


@EITHER
def test_writes_into_a_batch_harm_no_other(workers):
    source = table()
    loader = Loader(source, 8, workers=workers, prefetch=1, transform=lambda batch: batch)
    for _ in range(2):
        for step, batch in enumerate(loader):
            assert batch["id"].tolist() == list(range(8 * step, min(ROWS, 8 * step + 8)))
            batch["id"].fill_(-1)
    assert source.equals(table())


@EITHER
@pytest.mark.parametrize("transform", [None, lambda batch: batch])
def test_all_batches_may_be_held(workers, transform):
    loader = Loader(table(), 4, shuffle=True, workers=workers, prefetch=1, transform=transform)
    held = list(loader)
    expected = flat(ids_of(Permutation.identity(table()).shuffle(0).with_format("tensor").iter(4)))
    assert flat(ids_of(held)) == expected
    if workers:
        assert loader.stats()["copies"] == 26 - 2 * (3 - 1)  # a lane's last slot is never held


def test_slots_come_back():
    loader = Loader(table(), 4, workers=2, prefetch=1)
    iteration = iter(loader)
    ring = iteration._source._ring
    held = list(iteration)
    assert ring.counts()["held"] == 4
    del held[2:]
    assert ring.counts()["held"] == 2
    kept = held[0]["id"]
    del held
    assert ring.counts()["held"] == 1 and kept.tolist() == [0, 1, 2, 3]
    del kept
    assert ring.counts()["held"] == 0


def test_a_batch_outlives_its_loader():
    held = [next(iter(Loader(table(), 4, workers=2))) for _ in range(3)]
    assert ids_of(held) == [[0, 1, 2, 3]] * 3


# The end of an epoch


@EITHER
@pytest.mark.parametrize("how", ["short", "drop_last", "pad"])
@pytest.mark.parametrize("rows, size", [(103, 10), (100, 10), (7, 10), (1, 1)])
def test_last_batch(how, rows, size, workers):
    options = {} if how == "short" else {how: True}
    loader = Loader(table(rows), size, workers=workers, **options)
    for _ in range(2):
        found = ids_of(loader)
        whole = rows // size * size
        assert flat(found)[:whole] == list(range(whole))
        rest = list(range(whole, rows))
        if how == "drop_last":
            rest = []
        elif how == "pad" and rest:
            rest = [row % rows for row in range(whole, whole + size)]
        assert flat(found)[whole:] == rest
        assert len(loader) == len(found)


def test_nothing_to_read():
    loader = Loader(table(7), 10, drop_last=True)
    assert list(loader) == [] and len(loader) == 0 and loader.epoch == 1
    empty = Permutation.identity(table()).with_take(0).with_format("tensor")
    for workers in 0, 2:
        assert list(Loader(empty, 10, workers=workers)) == []


def test_a_rank_without_rows():
    source, options = table(3), {"rank": 0, "world_size": 2, "global_batch_size": 2}
    assert ids_of(Loader(source, **options)) == [[0], []]
    assert ids_of(Loader(source, workers=2, **options)) == [[0], []]
    assert ids_of(Loader(source, **{**options, "rank": 1})) == [[1], [2]]


# Its place


@EITHER
def test_resume_at_any_step(workers):
    loader = Loader(table(), 10, shuffle=True, workers=workers)
    epochs = [ids_of(loader), ids_of(loader)]
    for stop in range(0, 12, 1 if not workers else 3):
        loader.set_epoch(0)
        found, iteration = [], iter(loader)
        found += ids_of(itertools.islice(iteration, stop))
        state = loader.state_dict()
        assert len(state["token"]) <= 64 and state == pickle.loads(pickle.dumps(state))
        other = Loader(table(), 10, shuffle=True, workers=workers)
        other.load_state_dict(state)
        assert str(other.token()) == state["token"]
        if stop < 11:
            assert found + ids_of(other) == epochs[0]
        assert other.epoch == 1 and ids_of(other) == epochs[1]


def test_epochs():
    loader = Loader(table(), 10, shuffle=True, epoch=3)
    assert loader.epoch == 3
    third = ids_of(loader)
    fourth = ids_of(loader)
    assert loader.epoch == 5
    loader.set_epoch(4)
    assert loader.epoch == 4 and ids_of(loader) == fourth
    loader.set_epoch(3)
    assert ids_of(loader) == third


def test_break_and_begin_again():
    loader = Loader(table(), 10, shuffle=True)
    for step, batch in enumerate(loader):
        if step == 4:
            break
    assert loader.epoch == 0 and loader.token().units == 50
    first = ids_of(loader)
    assert sorted(flat(first)) == list(range(ROWS)) and loader.epoch == 1
    for _ in loader:
        break
    loader.resume(loader.token())
    rest = ids_of(loader)
    loader.set_epoch(1)
    assert ids_of(loader)[1:] == rest


def test_the_last_batch_ends_the_epoch():
    """Who saves the token within the last step goes on with the next epoch."""
    loader = Loader(table(), 10)
    tokens = [str(loader.token()) for _ in loader]
    assert tokens[-1].startswith("fl1:1:0:") and tokens[-2].startswith("fl1:0:100:")


def test_skip():
    loader = Loader(table(), 10, shuffle=True)
    every = ids_of(loader)
    loader.set_epoch(0)
    loader.skip(3)
    loader.skip(2)
    assert loader.token().units == 50 and ids_of(loader) == every[5:]
    loader.set_epoch(0)
    loader.skip(100)
    assert loader.epoch == 1 and loader.token().units == 0
    dropping = Loader(table(), 10, drop_last=True)
    dropping.skip(10)
    assert dropping.epoch == 1


def test_two_iterations_at_once():
    for workers in 0, 2:
        loader = Loader(table(), 10, shuffle=True, workers=workers)
        expected = ids_of(loader)
        loader.set_epoch(0)
        pairs = list(zip(iter(loader), iter(loader)))
        assert ids_of(a for a, _ in pairs) == ids_of(b for _, b in pairs) == expected


@EITHER
def test_an_iteration_ends_once(workers):
    loader = Loader(table(), 50, workers=workers)
    iteration = iter(loader)
    assert len(iteration) == len(list(iteration)) == 3
    assert next(iteration, None) is None
    iteration = iter(loader)
    next(iteration)
    iteration.close()
    iteration.close()
    assert next(iteration, None) is None


def test_another_batch_size_on_resume():
    loader = Loader(table(), 10, shuffle=True)
    every = flat(ids_of(loader))
    loader.set_epoch(0)
    next(iter(loader))
    other = Loader(table(), 7, shuffle=True, workers=2)
    other.resume(str(loader.token()))
    assert flat(ids_of(other)) == every[10:]


def refused(loader, token):
    with pytest.raises(ValueError) as raised:
        loader.resume(token)
    return str(raised.value)


def test_foreign_tokens():
    loader = Loader(table(), 10, shuffle=True)
    token = loader.token()
    source, order = "its rows, columns or values differ", "its seed, shuffle"
    units = "its packing or mixture"
    said = refused(Loader(table(), 10, shuffle=True, seed=1), token)
    assert order in said and source not in said and units not in said
    assert source in refused(Loader(table(), 10, shuffle=True, columns=["id"]), token)
    assert source in refused(Loader(table(104), 10, shuffle=True), token)
    assert order in refused(Loader(table(), 10), token)
    documents = pyarrow.table({"t": [[1, 2, 3]] * 10})
    packed = Loader(documents, 1, pack_sequences="t", sequence_length=4)
    said = refused(Loader(documents, 1, pack_sequences="t", sequence_length=5), packed.token())
    assert units in said and source not in said and order not in said


def test_edited_tokens():
    loader = Loader(table(), 10, shuffle=True)
    token = loader.token()
    loader.resume(f"fl1:2:20:{token.fingerprint}")
    assert (loader.epoch, len(iter(loader))) == (2, 9)
    loader.resume(token.skip(7))
    assert len(flat(ids_of(loader))) == ROWS - 7
    loader.resume(Token(2**63, ROWS - 1, token.fingerprint))
    assert loader.epoch == 2**63 and len(flat(ids_of(loader))) == 1
    assert "unit 104 of an epoch of 103" in refused(loader, token.skip(104))
    assert "of version fl2" in refused(loader, str(token).replace("fl1", "fl2"))
    assert "fingerprint" in refused(loader, str(token)[:-1])
    assert "whole number" in refused(loader, f"fl1:-1:0:{token.fingerprint}")
    with pytest.raises(TypeError, match="a token is a str, not bytes"):
        loader.resume(str(token).encode())
    with pytest.raises(KeyError, match="token"):
        loader.load_state_dict({})


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
    ({**OF_ALL, "start": "forkserver"}, ValueError, "start must be one of fork, spawn"),
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


@pytest.mark.parametrize("start, workers", [(None, 0), ("fork", 2), ("spawn", 1)])
def test_torch_dataset(start, workers):
    loader = Loader(table(), 10, shuffle=True, threads=2)
    expected = [ids_of(loader) for _ in range(2)]
    dataset = loader.torch_dataset()
    batches = DataLoader(
        dataset, batch_size=None, num_workers=workers, multiprocessing_context=start
    )
    assert len(batches) == 11
    for epoch in [1] if start == "spawn" else [0, 1]:
        dataset.set_epoch(epoch)
        assert ids_of(batches) == expected[epoch]
    if start != "spawn":
        loader.skip(4)
        assert ids_of(batches) == expected[1][4:] and loader.token().units == 40


@pytest.mark.parametrize("start, workers", [(None, 0), ("fork", 2), ("spawn", 1)])
def test_permutation_in_a_dataloader(start, workers):
    source = Permutation.identity(table()).shuffle(5).with_format("tensor")
    batches = DataLoader(
        source, 10, num_workers=workers, multiprocessing_context=start, collate_fn=collate
    )
    for epoch in [1] if start == "spawn" else [0, 1]:
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
