"""Locality: shuffles of shards and in windows. SPDX-License-Identifier: Apache-2.0"""

import pickle
import random

import numpy
import pyarrow
import pytest

from forkpolicy.loader import Permutation, mixing, permutation_builder
from forkpolicy.loader._words import key
from forkpolicy.loader.locality import WindowShuffle
from forkpolicy.loader.order import Shuffle


def whole(rows):
    return Permutation.identity(pyarrow.table({"id": numpy.arange(rows)}))


def ids(permutation):
    batch = permutation.with_format("arrow").take_offsets(range(len(permutation)))
    return batch["id"].to_numpy()


def random_cases(count, seed):
    chance = random.Random(seed)
    for _ in range(count):
        rows = chance.choice([1, 2, 100, chance.randrange(1, 5000)])
        clump = chance.choice([1, 1, 2, 7])
        window = clump * chance.choice([1, 2, 10, chance.randrange(1, 3000)])
        yield chance, rows, window, chance.getrandbits(64), chance.randrange(5), clump


@pytest.mark.parametrize("seed", range(4))
def test_windows_are_bijections(seed):
    for chance, rows, window, of_seed, epoch, clump in random_cases(20, seed):
        shuffle = WindowShuffle(rows, window, of_seed, epoch, clump)
        order = shuffle.read(0, rows)
        for number, first in enumerate(range(0, rows, window)):
            part = order[first : first + window]
            assert sorted(part.tolist()) == list(range(first, min(rows, first + window)))
            inside = Shuffle(len(part), key("windows", of_seed, epoch), number, clump)
            assert (part - first == inside.read(0, len(part))).all()
        some = numpy.array([chance.randrange(rows) for _ in range(100)])
        assert (shuffle.at(some) == order[some]).all()
        first = chance.randrange(rows)
        count = chance.randrange(rows - first + 1)
        assert (shuffle.read(first, count) == order[first : first + count]).all()
        assert (pickle.loads(pickle.dumps(shuffle)).read(0, rows) == order).all()


@pytest.mark.parametrize("seed", range(4))
def test_every_row_once(seed):
    for chance, rows, window, of_seed, epoch, clump in random_cases(20, seed):
        shard = clump * chance.randrange(1, 500)
        for how in ({"window": window}, {"shard": shard}, {"window": window, "shard": shard}):
            if "window" in how:
                how["clump_size"] = clump
            found = whole(rows).shuffle(of_seed, epoch=epoch, **how)
            assert sorted(ids(found).tolist()) == list(range(rows))
            again = pickle.loads(pickle.dumps(found))
            assert (ids(again) == ids(found)).all()


def test_shards_alone_are_clumps():
    found = whole(1000).shuffle(1, shard=30, epoch=2)
    assert (ids(found) == ids(whole(1000).shuffle(1, clump_size=30, epoch=2))).all()


def test_windows_over_shards():
    shards = ids(whole(1000).shuffle(1, shard=50))
    found = ids(whole(1000).shuffle(1, shard=50, window=200))
    for first in range(0, 1000, 200):
        here = slice(first, first + 200)
        assert sorted(found[here]) == sorted(shards[here]) and (found[here] != shards[here]).any()
        assert len(set(found[here] // 50)) == 4  # of so many shards


def test_clumps_in_windows():
    found = ids(whole(960).shuffle(1, shard=48, window=240, clump_size=8))
    clumps = found.reshape(-1, 8)
    assert (clumps[:, 0] % 8 == 0).all() and (numpy.diff(clumps, axis=1) == 1).all()


def test_windows_and_epochs_differ():
    found = whole(1000).shuffle(1, window=100)
    orders = []
    for epoch in 0, 1:
        found.set_epoch(epoch)
        orders += (ids(found).reshape(-1, 100) % 100).tolist()
    orders += (ids(whole(1000).shuffle(2, window=100)).reshape(-1, 100) % 100).tolist()
    assert len({tuple(order) for order in orders}) == 30
    found.set_epoch(0)
    assert (ids(found) == ids(whole(1000).shuffle(1, window=100, epoch=0))).all()
    both = whole(1000).shuffle(1, shard=20, window=100)
    first = ids(both)
    both.set_epoch(3)
    later = ids(whole(1000).shuffle(1, shard=20, window=100, epoch=3))
    assert (ids(both) == later).all() and (later != first).any()


def test_over_other_rows():
    table = pyarrow.table({"id": range(1000)})
    half = Permutation.from_tables(
        table, permutation_builder(table).filter("id % 2 = 0").shuffle(seed=1).execute()
    )
    for permutation in half, half.with_skip(100), half.with_repeat(2):
        found = ids(permutation.shuffle(2, shard=10, window=100))
        assert sorted(found.tolist()) == sorted(ids(permutation).tolist())


def test_no_memory_and_any_place():
    rows = permutation_builder(pyarrow.table({"n": pyarrow.nulls(1 << 28)}))
    made = Permutation.from_tables(pyarrow.table({"n": pyarrow.nulls(1 << 28)}), rows.execute())
    found = made.shuffle(1, shard=1 << 16, window=1 << 22).select_columns(["_rowid"])
    assert len(pickle.dumps(found._rows)) < 1000
    last = found.with_skip((1 << 28) - 1000).with_format("arrow").take_offsets(range(1000))
    assert last["_rowid"].to_numpy().max() < 1 << 28
    shards = set((last["_rowid"].to_numpy() >> 16).tolist())
    assert 50 < len(shards) <= 64


@pytest.mark.parametrize(
    "how, said",
    [
        ({"shard": 0}, "shard must be at least 1"),
        ({"window": 0}, "window must be at least 1"),
        ({"window": 10, "clump_size": 3}, "window must be a multiple of clump_size 3, not 10"),
        (
            {"window": 9, "shard": 10, "clump_size": 3},
            "shard must be a multiple of clump_size 3, not 10",
        ),
        ({"shard": 10, "clump_size": 2}, "clump_size: without a window, shards are the clumps"),
    ],
)
def test_refused(how, said):
    with pytest.raises(ValueError, match=said):
        whole(100).shuffle(1, **how)


def mixing_by_definition(order):
    order = order.astype(float)
    steps = numpy.abs(numpy.diff(order)).mean()
    pairs = numpy.abs(order[:, None] - order).sum() / (len(order) * (len(order) - 1))
    return steps / pairs


def test_mixing_is_what_it_says():
    chance = random.Random(1)
    for _ in range(20):
        rows = chance.randrange(2, 500)
        found = whole(rows).shuffle(chance.randrange(99), window=chance.randrange(1, rows + 1))
        assert mixing(found) == pytest.approx(mixing_by_definition(ids(found)))
    big = whole(20_000).shuffle(1, shard=100, window=500)
    assert mixing(big) == pytest.approx(mixing(big, samples=20_000), rel=0.05)
    assert mixing(big) == mixing(big)


def test_mixing_of_the_dial():
    rows = whole(100_000)
    full = mixing(rows.shuffle(1))
    assert 0.95 < full < 1.05 and mixing(rows) < 0.0001
    dial = [
        mixing(rows.shuffle(1, shard=1000, window=window)) for window in (1000, 2000, 8000, 64000)
    ]
    assert dial == sorted(dial) and dial[0] < 0.1 and dial[-1] > 0.9
    assert mixing(rows.with_format("arrow").map(len).shuffle(1)) == full
    assert mixing(rows.with_take(1).with_repeat(5)) == 0
    with pytest.raises(ValueError, match="mixing is of two rows at least, not of 1"):
        mixing(rows.with_take(1))
