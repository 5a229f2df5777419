"""Mixtures: exact proportions, each source in its own order. SPDX-License-Identifier: Apache-2.0"""

import pickle
import random
import re
from collections import Counter

import numpy
import pyarrow
import pytest

from forkpolicy.loader import Permutation, Table, permutation_builder
from forkpolicy.loader.mixture import CYCLE, quotas_of, short_quotas, units_in


def source(name, rows):
    return pyarrow.table({"of": [name] * rows, "id": numpy.arange(rows)})


def pairs(permutation, first=0, count=None):
    """(of, id) of each row."""
    count = len(permutation) - first if count is None else count
    rows = permutation.with_format("python_col").take_offsets(range(first, first + count))
    return list(zip(rows["of"], rows["id"]))


def random_sources(chance):
    """{name: (permutation, weight)}: some shuffled, some not, of many lengths."""
    found = {}
    for name in "abcd"[: chance.randrange(1, 5)]:
        rows = chance.choice([1, 3, 100, chance.randrange(1, 3000)])
        permutation = Permutation.identity(source(name, rows))
        if chance.random() < 0.6:
            permutation = permutation.shuffle(chance.randrange(100))
        found[name] = permutation, chance.choice([1, 2, 0.5, 1 / 3, chance.random() + 0.01])
    return found


def quotas_by_definition(weights):
    shares = [weight / sum(weights) * CYCLE for weight in weights]
    found = [int(share) for share in shares]
    rest = sorted(range(len(shares)), key=lambda k: (found[k] - shares[k], k))
    for k in rest[: CYCLE - sum(found)]:
        found[k] += 1
    return found


def test_quotas():
    assert quotas_of({"a": 1, "b": 1, "c": 1}).tolist() == [342, 341, 341]
    assert quotas_of({"a": 0.7, "b": 0.3}).tolist() == [717, 307]
    assert quotas_of({"a": 1e300, "b": 1e300}).tolist() == [512, 512]
    assert quotas_of({"a": numpy.float32(3), "b": numpy.int64(1)}).tolist() == [768, 256]
    chance = random.Random(1)
    for _ in range(300):
        weights = [chance.randrange(50, 1000) for _ in range(chance.randrange(1, 9))]
        assert quotas_of(dict(enumerate(weights))).tolist() == quotas_by_definition(weights)


def test_quotas_of_short_cycles():
    quotas = quotas_of({"a": 5, "b": 3, "c": 2.5, "d": 0.01})
    found = short_quotas(quotas)
    assert found.shape == (CYCLE + 1, 4) and found[CYCLE].tolist() == quotas.tolist()
    assert (found.sum(axis=1) == numpy.arange(CYCLE + 1)).all()
    exact = numpy.arange(CYCLE + 1)[:, None] * quotas / CYCLE
    assert (numpy.abs(found - exact) < 1).all()


@pytest.mark.parametrize("seed", range(12))
def test_proportions_and_orders(seed):
    chance = random.Random(seed)
    sources = random_sources(chance)
    quotas = quotas_of({name: weight for name, (_, weight) in sources.items()})
    expected = dict(zip(sources, quotas.tolist()))
    stop = chance.choice(["first", "all", chance.randrange(1, 6000)])
    mixed = Permutation.mixture(sources, seed=seed, stop=stop)
    used = dict.fromkeys(sources, 0)  # epochs of each source
    for epoch in range(3):
        mixed.set_epoch(epoch)
        rows = pairs(mixed)
        for first in range(0, len(rows) - CYCLE + 1, CYCLE):
            assert Counter(of for of, _ in rows[first : first + CYCLE]) == expected
        counts = Counter(of for of, _ in rows)
        assert [counts[name] for name in sources] == units_in(quotas, len(rows)).tolist()
        for name, (permutation, _) in sources.items():
            mine, size = [row for row in rows if row[0] == name], len(permutation)
            for first in range(0, len(mine), size):
                permutation.set_epoch(used[name])
                used[name] += 1
                assert mine[first : first + size] == pairs(permutation)[: len(mine) - first]
            if not mine:
                used[name] += 1


@pytest.mark.parametrize("seed", range(20))
def test_where_an_epoch_ends(seed):
    chance = random.Random(seed)
    sources = random_sources(chance)
    quotas = quotas_of({name: weight for name, (_, weight) in sources.items()})
    rows = numpy.array([len(permutation) for permutation, _ in sources.values()])
    first = len(Permutation.mixture(sources, stop="first"))
    assert (units_in(quotas, first) <= rows).all()
    assert all((units_in(quotas, more) > rows).any() for more in range(first + 1, first + 3000))
    last = len(Permutation.mixture(sources, stop="all"))
    assert (units_in(quotas, last) >= rows).all()
    assert all((units_in(quotas, n) < rows).any() for n in range(max(0, last - 3000), last))
    assert len(Permutation.mixture(sources, stop=12345)) == 12345
    if len(rows) == 1:
        assert first == last == rows[0]


def test_at_the_edge_of_a_cycle():
    # Of 1,023 units 512 are of "a", the first; the cycle's last one is of "b".
    sources = {"a": (source("a", 1024), 1), "b": (source("b", 10), 1)}
    assert len(Permutation.mixture(sources, stop="all")) == 2047
    for stop in 1, 1023, 1024, 1025, 2047, 2048, 2049:
        rows = pairs(Permutation.mixture(sources, stop=stop))
        mine = [number for of, number in rows if of == "a"]
        assert mine == [number % 1024 for number in range((stop + 1) // 2)]


def test_first_has_no_row_twice_and_all_has_every_row():
    sources = {"a": (source("a", 900), 2), "b": (Permutation.identity(source("b", 5000)), 1)}
    for epoch in range(3):
        for stop in "first", "all":
            mixed = Permutation.mixture(sources, stop=stop)
            mixed.set_epoch(epoch)
            rows = pairs(mixed)
            if stop == "first":
                assert len(set(rows)) == len(rows)
                assert Counter(of for of, _ in rows)["a"] in (899, 900)
            else:
                assert len(set(rows)) == 5900


def test_a_cycle_is_shuffled():
    mixed = Permutation.mixture({n: (source(n, 4096), 1) for n in "ab"}, seed=1)
    cycles = [
        "".join(of for of, _ in pairs(mixed, first, CYCLE)) for first in range(0, 8192, CYCLE)
    ]
    mixed.set_epoch(1)
    cycles.append("".join(of for of, _ in pairs(mixed, 0, CYCLE)))
    other = Permutation.mixture({n: (source(n, 4096), 1) for n in "ab"}, seed=2)
    cycles.append("".join(of for of, _ in pairs(other, 0, CYCLE)))
    assert len(set(cycles)) == len(cycles)
    assert all(400 < len(re.findall("ab|ba", cycle)) + cycle.count("aa") for cycle in cycles)
    assert all("a" * 20 not in cycle for cycle in cycles)


def test_any_position_by_itself():
    chance = random.Random(3)
    sources = {"a": (Permutation.identity(source("a", 700)).shuffle(1), 3)}
    sources["b"] = Permutation.identity(source("b", 50)).shuffle(2), 1
    mixed = Permutation.mixture(sources, seed=3, stop=5000)
    rows = pairs(mixed)
    some = [chance.randrange(5000) for _ in range(500)]
    found = mixed.with_format("python_col").take_offsets(some)
    assert list(zip(found["of"], found["id"])) == [rows[place] for place in some]
    assert pairs(mixed.with_skip(1000).with_take(100)) == rows[1000:1100]
    for size in 1, 333, 1024, 2000:
        ids = [row for batch in mixed.iter(size) for row in batch]
        assert [(row["of"], row["id"]) for row in ids] == rows


def test_pickle_in_the_middle():
    for path in (None, "file"):
        sources = {n: (Permutation.identity(source(n, 300)).shuffle(1), 1) for n in "ab"}
        mixed = Permutation.mixture(sources, seed=3, stop=2000)
        mixed.set_epoch(2)
        again = pickle.loads(pickle.dumps(mixed))
        assert pairs(again) == pairs(mixed)
        again.set_epoch(3)
        mixed.set_epoch(3)
        assert pairs(again) == pairs(mixed)


def test_files_stay_files(tmp_path):
    paths = {}
    for name in "ab":
        paths[name] = tmp_path / f"{name}.arrow"
        with pyarrow.ipc.new_file(paths[name], source(name, 1).schema) as writer:
            writer.write_table(source(name, 20_000), max_chunksize=3000)
    before = pyarrow.total_allocated_bytes()
    mixed = Permutation.mixture({name: (path, 1) for name, path in paths.items()})
    assert pyarrow.total_allocated_bytes() - before < 100_000  # of 600 kB
    pickled = pickle.dumps(mixed)
    assert len(pickled) < 5000 and pairs(pickle.loads(pickled)) == pairs(mixed)
    once = Table(paths["a"])  # one table twice: other rows of it
    made = permutation_builder(once).split_random(ratios=[0.5, 0.5], seed=1).execute()
    halves = [Permutation.from_tables(once, made, split) for split in range(2)]
    twice = Permutation.mixture({0: (halves[0], 1), 1: (halves[1], 1)})
    assert len(twice) == 20_000 and sorted(i for _, i in pairs(twice)) == list(range(20_000))


def test_columns():
    chunked = pyarrow.concat_tables([source("b", 9).slice(0, 5), source("b", 9).slice(5)])
    turned = chunked.select(["id", "of"]).replace_schema_metadata({"a": "b"})
    mixed = Permutation.mixture({"a": (source("a", 9), 1), "b": (turned, 1)})
    assert mixed.column_names == ["of", "id"]
    assert sorted(pairs(mixed)) == sorted(
        [("a", i) for i in range(9)] + [("b", i) for i in range(9)]
    )
    chosen = Permutation.identity(source("a", 9)).select({"x": "id * 2", "row": "_rowid"})
    other = Permutation.identity(
        pyarrow.table({"x": [7, 7], "row": pyarrow.array([1, 2], "uint64")})
    )
    found = Permutation.mixture({"a": (chosen, 1), "b": (other, 1)}, stop="all")
    rows = found.take_offsets(range(len(found)))
    assert sorted({(row["x"], row["row"]) for row in rows}) == sorted(
        [(2 * i, i) for i in range(9)] + [(7, 1), (7, 2)]
    )
    words = [
        pyarrow.table({"w": pyarrow.array([word] * 3).dictionary_encode()}) for word in ("x", "y")
    ]
    mixed = Permutation.mixture({0: (words[0], 1), 1: (words[1], 1)})
    assert sorted(row["w"] for row in mixed.take_offsets(range(6))) == list("xxxyyy")


@pytest.mark.parametrize(
    "sources, said",
    [
        ({}, "sources must be {name: (permutation or table, weight)}, one at least"),
        ([source("a", 1)], "sources must be {name"),
        ({"a": (source("a", 1), 0)}, "the weight of `a` must be a number above 0, not 0"),
        ({"a": (source("a", 1), float("nan"))}, "the weight of `a` must be a number above 0"),
        ({"a": (source("a", 1), float("inf"))}, "the weight of `a` must be a number above 0"),
        ({"a": (source("a", 1), "1")}, "the weight of `a` must be a number above 0, not '1'"),
        (
            {"a": (source("a", 1), 1), "b": (source("b", 1), 1e-4)},
            "the weight of `b` gives it none of 1024 units",
        ),
        (
            {"a": (Permutation.identity(source("a", 2)).with_take(0), 1)},
            "source `a` has no rows",
        ),
        (
            {
                "a": (source("a", 2), 1),
                "b": (pyarrow.table({"id": ["x"], "more": [1]}), 1),
                "c": (source("c", 2), 1),
            },
            "the columns of the sources differ: `id` is of int64 in `a`, of string in `b`;"
            " `more` is in `b`, not in `a`; `of` is in `a`, not in `b`",
        ),
    ],
)
def test_refused(sources, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        Permutation.mixture(sources)


@pytest.mark.parametrize("stop, kind", [("some", ValueError), (0, ValueError), (1.5, TypeError)])
def test_stops(stop, kind):
    with pytest.raises(kind, match="stop must be"):
        Permutation.mixture({"a": (source("a", 1), 1)}, stop=stop)
