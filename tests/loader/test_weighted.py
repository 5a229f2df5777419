"""Weights: draws with replacement. SPDX-License-Identifier: Apache-2.0"""

import pickle
import random
import re
import sys
from pathlib import Path

import numpy
import pyarrow
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "python"))

from forkpolicy.loader import Permutation, permutation_builder  # noqa: E402
from forkpolicy.loader._words import key, mix, numbers_at  # noqa: E402
from forkpolicy.loader.weighted import WeightedRows  # noqa: E402


def numbers(rows):
    weights = [float(i % 10) for i in range(rows)]
    return pyarrow.table({"id": range(rows), "w": weights, "text": ["a"] * rows})


def ids(permutation):
    batch = permutation.with_format("arrow").take_offsets(range(len(permutation)))
    return batch["id"].to_numpy()


def test_numbers_are_splitmix64s():
    # The vectors that its authors published for the state 1234567.
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert numbers_at(1234567, numpy.arange(4)).tolist() == expected
    assert mix(1234567) == expected[0]
    states = [0, (1 << 64) - 1, key("a", 1), key("a", 2), key("b", 1), key("a", 1, 0)]
    assert len(set(states)) == 6 and len(set(map(mix, states))) == 6
    for state in states:
        places = numpy.array([5, 0, 1 << 40])
        single = [
            mix((state + 0x9E3779B97F4A7C15 * place) & (1 << 64) - 1) for place in places.tolist()
        ]
        assert numbers_at(state, places).tolist() == single


def test_draws_are_by_weight():
    chance = random.Random(1)
    for _ in range(10):
        count = chance.randrange(2, 40)
        weights = numpy.array([chance.choice([0, 1, 3, chance.random()]) for _ in range(count)])
        weights[0] = 1
        permutation = Permutation.identity(numbers(count))
        drawn = ids(permutation.weighted(weights, 100_000, seed=chance.getrandbits(64)))
        found = numpy.bincount(drawn, minlength=count)
        expected = weights / weights.sum() * 100_000
        assert (found[weights == 0] == 0).all()
        assert (numpy.abs(found - expected) < 6 * numpy.sqrt(expected + 1)).all()


def test_neighbours_are_independent():
    drawn = ids(Permutation.identity(numbers(4)).weighted(numpy.ones(4), 160_000, seed=1))
    found = numpy.bincount(drawn[:-1] * 4 + drawn[1:], minlength=16)
    assert (numpy.abs(found - 10_000) < 600).all()


def test_by_the_definition():
    weights = numpy.array([0.0, 2, 0, 5, 1, 0])
    found = ids(Permutation.identity(numbers(6)).weighted(weights, 1000, seed=9, epoch=4))
    sums = [0, 2, 2, 7, 8, 8]
    for place, row in enumerate(found.tolist()):
        state = key("weighted", 9, 4)
        number = mix((state + 0x9E3779B97F4A7C15 * place) & (1 << 64) - 1)
        x = (number >> 11) / (1 << 53) * 8
        assert row == next(i for i, end in enumerate(sums) if end > x)


def test_the_highest_chance(monkeypatch):
    # Chances of 1 less 2^-53, and of 0, hit no row of weight 0.
    every = Permutation.identity(numbers(5))
    for weights in ([0, 1, 0, 3, 0], [0, 1e-3, 0, 0.7, 0], [0, 5e-324, 0, 5e-324, 0]):
        rows = every.weighted(weights, 2)
        for number, row in ((1 << 64) - 1, 3), (0, 1):
            monkeypatch.setattr(
                "forkpolicy.loader.weighted.numbers_at",
                lambda state, places: numpy.full(len(places), number, numpy.uint64),
            )
            assert ids(rows).tolist() == [row] * 2


def test_columns_and_other_orders():
    table = numbers(1000)
    shuffled = Permutation.identity(table).shuffle(1)
    for permutation in (
        Permutation.identity(table),
        shuffled,
        Permutation.from_tables(table, permutation_builder(table).filter("id < 500").execute()),
        shuffled.with_skip(100).with_take(300).with_format("python_col").map(len),
    ):
        by_column = permutation.weighted("w", 2000, seed=2).with_format("arrow")
        drawn = ids(by_column)
        assert len(by_column) == 2000 and (drawn % 10 > 0).all()
        assert set(drawn) <= set(ids(permutation))
        by_array = permutation.weighted(ids(permutation) % 10, 2000, seed=2)
        assert (ids(by_array) == drawn).all()
    assert len(shuffled.weighted("w")) == 1000 and len(shuffled.weighted("w", 0)) == 0


def test_epochs_and_positions():
    drawn = Permutation.identity(numbers(100)).shuffle(3).weighted("w", 500, seed=1)
    first = ids(drawn)
    assert (ids(drawn.with_skip(100)) == first[100:]).all()
    some = numpy.random.default_rng(1).integers(0, 500, 50)
    assert (drawn.with_format("arrow").take_offsets(some)["id"].to_numpy() == first[some]).all()
    drawn.set_epoch(1)
    second = ids(drawn)
    assert (second != first).any() and (second % 10 > 0).all()
    fresh = Permutation.identity(numbers(100)).shuffle(3).weighted("w", 500, seed=1, epoch=1)
    assert (ids(fresh) == second).all()
    assert (ids(pickle.loads(pickle.dumps(drawn))) == second).all()
    drawn.set_epoch(0)
    assert (ids(drawn) == first).all()
    assert isinstance(drawn._rows, WeightedRows)


@pytest.mark.parametrize(
    "weights, kind, said",
    [
        ([1, 2], ValueError, "weights must be as many as there are rows: 2 of 3"),
        ([1, float("nan"), 2], ValueError, "weights: row 1 has nan"),
        ([1, 2, -0.5], ValueError, "weights: row 2 has -0.5"),
        ([float("inf"), 2, 1], ValueError, "weights: row 0 has inf"),
        ([0, 0, 0], ValueError, "weights: all rows have 0"),
        ([1e308, 1e308, 1e308], ValueError, "weights: their sum is infinite"),
        (["a", "b", "c"], TypeError, "weights must be numbers, one for each row"),
        ([[1], [1], [1]], TypeError, "weights must be numbers, one for each row, not 2 dimensions"),
        (None, TypeError, "weights must be numbers"),
        ("text", TypeError, "weights: column `text` is of string, not numbers"),
        ("nope", ValueError, "Cannot select column `nope` because it does not exist"),
    ],
)
def test_refused(weights, kind, said):
    with pytest.raises(kind, match=re.escape(said)):
        Permutation.identity(numbers(3)).weighted(weights)


def test_a_column_with_nulls_names_the_row():
    values = [1.0] * 70_000
    values[66_000] = None
    permutation = Permutation.identity(pyarrow.table({"w": values}))
    with pytest.raises(ValueError, match="weights: row 66000 has a null in column `w`"):
        permutation.weighted("w")
    with pytest.raises(ValueError, match="weights: row 65990 has a null in column `w`"):
        permutation.with_skip(10).weighted("w")
