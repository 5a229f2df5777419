"""Loader: functions that fail, and what becomes of it. SPDX-License-Identifier: Apache-2.0"""

import re
import subprocess
import sys
import warnings

import pyarrow
import pytest
from loaders import ROWS, environment, flat, ids_of, table

from forkpolicy.loader import Loader, Permutation

pytestmark = pytest.mark.timeout(180)
EITHER = pytest.mark.parametrize("workers", [0, 2])
BAD = {13, 14, 57, 102}


class Odd(Exception):
    """Its copy cannot be made of its arguments."""

    def __init__(self, first, second):
        super().__init__(f"{first} {second}")


class Unsaid(Exception):
    """It cannot be pickled."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.function = lambda: None


def raises(error):
    def transform(batch):
        if BAD & set(batch["id"].tolist()):
            raise error
        return batch

    return transform


def until_it_fails(loader):
    """(the ids that were given, the error)"""
    found = []
    with pytest.raises(Exception) as raised:
        for batch in loader:
            found.append(batch["id"].tolist())
    return flat(found), raised.value


@EITHER
def test_raise(workers):
    loader = Loader(table(), 10, workers=workers, transform=raises(KeyError("it")))
    found, error = until_it_fails(loader)
    assert found == list(range(10)) and type(error) is KeyError and error.args == ("it",)
    if workers:
        said = str(error.__cause__)
        assert "in transform" in said and "raise error" in said and __file__ in said
    assert loader.token().units == 10
    loader.resume(loader.token())
    assert until_it_fails(loader)[0] == []
    loader.skip(2)
    assert until_it_fails(loader)[0] == list(range(30, 50))


@EITHER
def test_the_step_is_the_one_that_fails(workers):
    """Batches that were made before the error are given first, whoever made them."""
    slow = Loader(table(), 2, workers=workers, prefetch=6, transform=raises(ValueError("x")))
    assert until_it_fails(slow)[0] == list(range(12))


@EITHER
def test_stop_iteration(workers):
    for raised in StopIteration("a"), StopIteration():
        loader = Loader(table(), 10, workers=workers, transform=raises(raised))
        found, error = until_it_fails(loader)
        assert found == list(range(10)) and "the transform raised StopIteration" in str(error)
        assert type(error) is RuntimeError

    def stop(error, row):
        raise StopIteration

    loader = Loader(table(), 10, workers=workers, transform=raises(ValueError()), on_error=stop)
    found, error = until_it_fails(loader)
    assert found == list(range(10)) and type(error) is RuntimeError


def test_errors_that_cannot_be_pickled():
    for raised, name in (Odd(1, 2), "Odd: 1 2"), (Unsaid("u"), "Unsaid: u"):
        found, error = until_it_fails(Loader(table(), 10, workers=2, transform=raises(raised)))
        assert found == list(range(10)) and type(error) is RuntimeError and str(error) == name
        assert "in transform" in str(error.__cause__)


def test_an_error_larger_than_a_slot():
    large = ValueError("many " * 10_000)
    loader = Loader(table(), 10, workers=1, slot_bytes=4096, transform=raises(large))
    found, error = until_it_fails(loader)
    assert found == list(range(10)) and str(error).startswith("ValueError: many many")
    assert "many" in str(error.__cause__) and len(str(error.__cause__)) < 1100


def test_a_batch_larger_than_a_slot(capfd):
    for transform in None, lambda batch: batch:
        loader = Loader(table(10_000), 5000, workers=1, slot_bytes=4096, transform=transform)
        _, error = until_it_fails(loader)
        assert type(error) is OSError
        said = r"a batch of 8\d+ bytes: a slot of the ring has 4096 \(slot_bytes\)"
        assert re.search(said, str(error))
    assert capfd.readouterr().err == ""


def test_what_cannot_be_pickled():
    loader = Loader(table(), 10, workers=2, transform=lambda batch: lambda: None)
    assert "pickle" in str(until_it_fails(loader)[1])
    loader = Loader(table(), 10, workers=2, start="spawn", transform=lambda batch: batch)
    assert "pickle" in str(until_it_fails(loader)[1])


@EITHER
def test_wrong_length(workers):
    loader = Loader(table(), 10, workers=workers, transform=lambda batch: batch["id"][:9])
    with pytest.raises(ValueError, match="the transform gave 9 rows for 10"):
        list(loader)
    lists = Permutation.identity(table()).with_format("python")
    loader = Loader(lists, 10, workers=workers, transform=lambda rows: rows * 2)
    with pytest.raises(ValueError, match="the transform gave 20 rows for 10"):
        list(loader)
    free = Loader(table(), 10, workers=workers, transform=lambda batch: float(batch["x"].sum()))
    assert list(free)[:2] == [22.5, 72.5]


@EITHER
def test_skip(workers):
    transform = raises(ValueError("bad"))
    loader = Loader(table(), 10, workers=workers, transform=transform, on_error="skip")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ids_of(loader)
    assert flat(found) == sorted(set(range(ROWS)) - BAD)
    assert [len(batch) for batch in found] == [10, 8, 10, 10, 10, 9, 10, 10, 10, 10, 2]
    assert loader.stats()["left_out"] == 4 and loader.stats()["rows"] == ROWS


@EITHER
def test_ranks_stay_in_step(workers):
    options = {"transform": raises(ValueError()), "on_error": "skip", "global_batch_size": 20}
    ranks = [
        ids_of(Loader(table(), rank=rank, world_size=3, workers=workers, **options))
        for rank in range(3)
    ]
    assert [len(found) for found in ranks] == [6, 6, 6]
    assert sorted(flat(flat(ranks))) == sorted(set(range(ROWS)) - BAD)


def test_warn():
    options = {"transform": raises(ValueError("bad")), "on_error": "warn"}
    with pytest.warns(RuntimeWarning) as warned:
        found = flat(ids_of(Loader(table(), 10, **options)))
    said = [str(warning.message) for warning in warned]
    assert found == sorted(set(range(ROWS)) - BAD)
    assert said == [
        f"row {row % 10} of a batch is left out: ValueError: bad" for row in sorted(BAD)
    ]


WARNED = """
import numpy, pyarrow
from forkpolicy.loader import Loader

def transform(batch):
    if 13 in batch["id"]:
        raise ValueError("bad")
    return batch

table = pyarrow.table({"id": numpy.arange(40)})
options = {"format": "python_col", "transform": transform, "on_error": "warn"}
loader = Loader(table, 10, workers=2, **options)
assert sum(len(batch["id"]) for batch in loader) == 39
"""


def test_workers_warn():
    command = [sys.executable, "-c", WARNED]
    ended = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("RuntimeWarning: row 3 of a batch is left out: ValueError: bad") == 1


@EITHER
def test_a_function_is_told(workers, tmp_path):
    def told(error, row):
        with open(tmp_path / "told", "a") as file:
            file.write(f"{error} {row}\n")

    transform = raises(ValueError("bad"))
    loader = Loader(table(), 10, workers=workers, transform=transform, on_error=told)
    assert len(flat(ids_of(loader))) == ROWS - 4
    said = sorted((tmp_path / "told").read_text().splitlines())
    assert said == ["bad 2", "bad 3", "bad 4", "bad 7"]


@EITHER
def test_a_function_that_fails(workers):
    def told(error, row):
        raise KeyError(row)

    transform = raises(ValueError("bad"))
    loader = Loader(table(), 10, workers=workers, transform=transform, on_error=told)
    found, error = until_it_fails(loader)
    assert found == list(range(10)) and type(error) is KeyError and error.args == (3,)


@EITHER
def test_no_row_of_a_batch_is_good(workers):
    transform = raises(ValueError("bad"))
    loader = Loader(table(15), 1, workers=workers, transform=transform, on_error="skip")
    assert ids_of(loader) == [[row] if row < 13 else [] for row in range(15)]


@EITHER
def test_a_transform_that_always_fails(workers):
    loader = Loader(table(), 10, workers=workers, transform=lambda batch: 1 / 0, on_error="skip")
    found, error = until_it_fails(loader)
    assert "the transform failed on all 10 rows" in str(error)
    if not workers:
        assert type(error.__cause__) is ZeroDivisionError
    else:
        assert "ZeroDivisionError" in str(error.__cause__)


@EITHER
def test_the_functions_of_the_source_count_too(workers):
    def odd_only(batch):
        if any(value % 7 == 3 for value in batch.column("id").to_pylist()):
            raise ValueError
        return batch

    source = Permutation.identity(table()).with_transform(odd_only)
    loader = Loader(source, 10, workers=workers, on_error="skip")
    found = pyarrow.Table.from_batches(list(loader))["id"].to_pylist()
    assert found == [row for row in range(ROWS) if row % 7 != 3]


@EITHER
def test_width_is_no_length(workers):
    options = {"format": "torch_col", "transform": lambda batch: batch * 2}
    loader = Loader(table(), 10, workers=workers, **options)
    assert [batch.shape for batch in loader] == [(2, 10)] * 10 + [(2, 3)]
