"""The Loader: what it gives, and the end of an epoch. SPDX-License-Identifier: Apache-2.0"""

import itertools
import types

import numpy
import polars
import pyarrow
import pytest
import torch
from loaders import ROWS, flat, ids_of, table
from small_loaders import EITHER

from forkpolicy.loader import Loader, Masked, Permutation, Ragged

pytestmark = pytest.mark.timeout(180)


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
@pytest.mark.parametrize("start", ["fork", "spawn", "forkserver"])
def test_workers_give_the_same(workers, start):
    if start != "fork" and not workers:
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
