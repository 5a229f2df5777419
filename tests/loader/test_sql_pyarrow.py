"""SQL by sqlglot and pyarrow, beside the library's own evaluator: where both take an expression
they agree. SPDX-License-Identifier: Apache-2.0
"""

import datetime
import math
import os
import threading

import numpy
import pyarrow
import pyarrow.compute
import pytest

pytest.importorskip("sqlglot")

import loaders  # noqa: E402, F401  (the package's path)
from sql_random import Generator, awkward  # noqa: E402

from forkpolicy.loader import Permutation, Table, conditions, permutation_builder  # noqa: E402
from forkpolicy.loader.sql import NotHere, compiled  # noqa: E402

pytestmark = pytest.mark.timeout(120)
ROWS = 60


def rows_by_pyarrow(sql, arrow):
    """None: it is not here."""
    (batch,) = arrow.combine_chunks().to_batches()
    try:
        return conditions.places_in(compiled(sql, arrow.schema).mask(batch)).tolist()
    except NotHere:
        return None


def rows_by_library(sql, table):
    try:
        return table._filter_by_library(sql).tolist()
    except ValueError:
        return None


@pytest.mark.parametrize("seed", range(4))
def test_both_find_the_same_rows(seed):
    rng = numpy.random.default_rng(seed)
    arrow = awkward(ROWS, rng)
    table, generator, both = Table(arrow), Generator(rng), 0
    for _ in range(250):
        sql = generator.condition(int(rng.integers(1, 4)))
        ours, theirs = rows_by_pyarrow(sql, arrow), rows_by_library(sql, table)
        if ours is not None and theirs is not None:
            both += 1
            assert ours == theirs, sql
    assert both > 150


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return a == b or math.isnan(a) and math.isnan(b)
    return a == b


@pytest.mark.parametrize("seed", range(4))
def test_both_compute_the_same_values(seed):
    rng = numpy.random.default_rng(100 + seed)
    arrow = awkward(ROWS, rng)
    table, generator, both = Table(arrow), Generator(rng), 0
    for _ in range(200):
        make = generator.one([generator.number, generator.text, generator.condition])
        sql = make(int(rng.integers(1, 4)))
        try:
            plan = compiled(sql, arrow.schema)
            found = plan.evaluate(arrow.combine_chunks().to_batches()[0])
            theirs = table._evaluate_by_library(sql)
        except (NotHere, ValueError):
            continue
        both += 1
        pairs = zip(found.to_pylist(), theirs.to_pylist())
        assert all(same(a, b) for a, b in pairs), sql
        assert theirs.type == found.type or pyarrow.types.is_large_string(theirs.type), sql
    assert both > 100


# What the library's own evaluator does not take

DAYS = [datetime.datetime(2024, month, 15, 13, 45, 30) for month in range(1, 7)]
TABLE = pyarrow.table(
    {
        "id": range(6),
        "x": [0.0, 0.25, -1.5, None, 9.0, 2.5],
        "s": ["a-b-c", "ab", None, "-", "xAxAx", "é-è"],
        "ts": pyarrow.array(DAYS, pyarrow.timestamp("us")),
        "tz": pyarrow.array(DAYS, pyarrow.timestamp("ms", "Asia/Tokyo")),
        "d": [day.date() for day in DAYS],
        "tags": [["a", "b"], [], None, ["c"], ["b", None], ["a"]],
        "v": pyarrow.array([[float(i), 1.0] for i in range(6)], pyarrow.list_(pyarrow.float32(), 2)),
        "st": [{"a": i, "in": {"b": str(i)}} for i in range(6)],
        "e": pyarrow.array([0, 1, 2, 3, 4, 5]).cast(pyarrow.decimal128(21, 2)),
        "b": [b"a", b"ab", b"", None, b"\0", b"ab"],
    }
)


@pytest.mark.parametrize(
    "sql, rows",
    [
        ("starts_with(s, 'a')", [0, 1]),
        ("ends_with(s, 'x')", [4]),
        ("contains(s, '-')", [0, 3, 5]),
        ("NOT contains(s, '-')", [1, 4]),
        ("regexp_like(s, '^.-.$')", [5]),
        ("regexp_like(s, 'XAX', 'i')", [4]),
        ("regexp_match(s, 'A.A')", [4]),
        ("s ~ 'b$'", [1]),
        ("split_part(s, '-', 2) = 'b'", [0]),
        ("split_part(s, '-', 3) = ''", [1, 3, 4, 5]),
        ("strpos(s, 'è') = 3", [5]),
        ("strpos(s, 'q') = 0", [0, 1, 3, 4, 5]),
        ("position('-' in s) = 2", [0, 5]),
        ("concat(s, NULL, '!') = '!'", [2]),
        ("concat(id, '-', s) = '1-ab'", [1]),
        ("left(s, 2) = 'ab'", [1]),
        ("reverse(s) = 'ba'", [1]),
        ("btrim(s, 'x') = 'AxA'", [4]),
        ("trim(both 'x' from s) = 'AxA'", [4]),
        ("md5(s) = '187ef4436122d1cc2f40dc2b92f0eba0'", [1]),
        ("regexp_replace(s, '-', '+') = 'a+b-c'", [0]),
        ("regexp_replace(s, '-', '+', 'g') = 'a+b+c'", [0]),
        ("sqrt(x) = 0.5", [1]),
        ("sqrt(x) IS NULL", [2, 3]),
        ("power(id, 2) > 9", [4, 5]),
        ("id & 1 = 1", [1, 3, 5]),
        ("greatest(id, 3) = 3", [0, 1, 2, 3]),
        ("least(x, 1) = 1", [3, 4, 5]),
        ("id::double / 2 = 2.5", [5]),
        ("CAST('2024-02-15' AS date) = d", [1]),
        ("CAST(ts AS date) = d", [0, 1, 2, 3, 4, 5]),
        ("e = CAST(5 AS decimal(20, 2))", [5]),
        ("CAST(x AS decimal(10, 0)) = 3", [5]),
        ("b = X'6162'", [1, 5]),
        ("date_part('month', ts) = 2", [1]),
        ("extract(hour from ts) = 13", [0, 1, 2, 3, 4, 5]),
        ("extract(hour from tz) = 13", [0, 1, 2, 3, 4, 5]),
        ("year(d) = 2024 AND month(d) > 4", [4, 5]),
        ("date_part('dow', d) = 1", [0, 3]),
        ("date_trunc('month', ts) = timestamp '2024-02-01'", [1]),
        ("date_trunc('day', tz) = timestamp '2024-03-15'", [2]),
        ("ts + interval '1 day' > timestamp '2024-05-16'", [4, 5]),
        ("ts - interval '2' hour < timestamp '2024-01-15 12:00:00'", [0]),
        ("to_timestamp('2024-05-01') < ts", [4, 5]),
        ("array_has(tags, 'a')", [0, 5]),
        ("NOT array_has(tags, 'a')", [1, 3, 4]),
        ("array_has_any(tags, ['a', 'c'])", [0, 3, 5]),
        ("array_has_all(tags, ['a', 'b'])", [0]),
        ("array_length(tags) = 1", [3, 5]),
        ("cardinality(tags) = 0", [1]),
        ("tags[1] = 'a'", [0, 5]),
        ("tags[2] IS NULL", [1, 2, 3, 4, 5]),
        ("v[1] > 3", [4, 5]),
        ("v[3] IS NULL", [0, 1, 2, 3, 4, 5]),
        ("array_has(v, 4)", [4]),
        ("st['a'] = 2", [2]),
        ("st.in.b = '3'", [3]),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_functions(sql, rows, chunked):
    arrow = pyarrow.concat_tables([TABLE.slice(0, 2), TABLE.slice(2)]) if chunked else TABLE
    assert Table(arrow).filter(sql).tolist() == rows


@pytest.mark.parametrize(
    "sql", ["x ^ 2 = 1", "x ** 2 = 1", "id IN (SELECT 1)", "count(*) > 1", "sum(x) OVER () > 1",
            "random() < 2", "now() > ts", "TRY_CAST(s AS INT) = 1", "id = ?", "x", "nothing = 1",
            "id; id", "", "id = 1 --", "starts_with(s)", "regexp_like(s, '(')"],
)  # fmt: skip
def test_refused(sql):
    with pytest.raises(ValueError):
        Table(TABLE).filter(sql)


def test_results_that_are_selected():
    made = Permutation.identity(TABLE).select(
        {"a": "x * 2", "b": "split_part(s, '-', 1)", "c": "date_trunc('month', ts)", "d": "v[1]"}
    )
    kinds = [pyarrow.float64(), pyarrow.string(), pyarrow.timestamp("us"), pyarrow.float64()]
    assert made.schema.types == kinds
    assert made.with_format("python_col")[4] == {
        "a": [18.0], "b": ["xAxAx"], "c": [datetime.datetime(2024, 5, 1)], "d": [4.0]
    }  # fmt: skip


# Beyond what is computed exactly the library's own evaluator has it


def test_sums_beyond_64_bits():
    table = Table(pyarrow.table({"i": [2**63 - 1, 1]}))
    assert table.filter("i + 1 > 9223372036854775807").tolist() == [0]
    assert table.evaluate("i + 1").to_pylist()[1] == 2


def test_integers_and_floats_compare_exactly():
    table = Table(pyarrow.table({"i": [2**53, 2**53 + 1], "x": [2.0**53] * 2}))
    assert table.filter("i = x").tolist() == [0]
    assert table.filter("i > x").tolist() == [1]


def test_without_sqlglot(monkeypatch):
    monkeypatch.setattr(conditions, "compiled", lambda expression, schema: None)
    assert Table(TABLE).filter("id < 2").tolist() == [0, 1]
    assert Table(TABLE).evaluate("id + 1").to_pylist() == [1, 2, 3, 4, 5, 6]


# Other conditions


def condition_of(name):
    if name == "polars":
        polars = pytest.importorskip("polars")
        return (polars.col("id") > 1) & (polars.col("x") > 0)
    keep = [False, False, False, False, True, True]
    field = pyarrow.compute.field
    return {
        "pyarrow": (field("id") > 1) & (field("x") > 0),
        "list": keep,
        "numpy": numpy.array(keep),
        "array": pyarrow.array([None if number == 3 else one for number, one in enumerate(keep)]),
        "chunked": pyarrow.chunked_array([keep[:2], keep[2:]]),
        "sql": "id > 1 AND x > 0",
    }[name]


@pytest.mark.parametrize("name", ["pyarrow", "polars", "list", "numpy", "array", "chunked", "sql"])
def test_conditions(name):
    condition = condition_of(name)
    assert Table(TABLE).filter(condition).tolist() == [4, 5]
    splits = permutation_builder(TABLE).filter(condition).execute()
    assert splits.to_arrow()["row_id"].to_pylist() == [4, 5]


@pytest.mark.parametrize(
    "condition, kind, said",
    [
        (5, TypeError, "SQL, an expression of pyarrow or polars, or an array of truths, not int"),
        ([True], ValueError, "the filter has 1 truths for 6 rows"),
        ([1, 2, 3, 4, 5, 6], TypeError, "an array of truths, not of int64"),
        (pyarrow.compute.field("id") + 1, TypeError, "the filter gives int64, not truths"),
    ],
)
def test_wrong_conditions(condition, kind, said):
    with pytest.raises(kind, match=said):
        permutation_builder(TABLE).filter(condition).execute()


# Threads


def test_many_slabs_by_threads():
    count = conditions.FEW * 2 + 17
    table = Table(pyarrow.table({"id": numpy.arange(count)}))
    before = threading.active_count()
    expected = numpy.arange(count)[numpy.arange(count) % 7 == 3]
    assert numpy.array_equal(table.filter("id % 7 = 3"), expected)
    assert threading.active_count() == before
    values = numpy.asarray(table.evaluate("id * 2"))
    assert numpy.array_equal(values, numpy.arange(count) * 2)


def test_a_child_forked_while_rows_are_looked_at():
    count = conditions.FEW * 4
    table = Table(pyarrow.table({"id": numpy.arange(count)}))
    stop = threading.Event()

    def look():
        while not stop.is_set():
            table.filter("id % 7 = 3")

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(5):
            pid = os.fork()
            if pid == 0:
                os._exit(0 if len(table.filter("id % 7 = 3")) == len(range(3, count, 7)) else 1)
            assert os.waitpid(pid, 0)[1] == 0
    finally:
        stop.set()
        thread.join()


# What statistics are asked


@pytest.mark.parametrize(
    "sql, asked",
    [
        ("id > 3", True), ("id > 3 AND x * 2 > 1", True), ("x < 1", True), ("ts > '2024-01-01'", True),
        ("s = 'a'", True), ("id IN (1, 2)", True), ("id BETWEEN 1 AND 2", True),
        ("x > 1", False), ("x <> 1", False), ("NOT x < 1", False), ("NOT id = 1", False),
        ("x * 2 > 1", False), ("md5(s) = 'a'", False), ("array_has(tags, 'a')", False),
        ("id > 3 OR id < 1", True), ("id > 3 OR x * 2 > 1", False),
    ],
)  # fmt: skip
def test_what_is_pushed_into_a_scan(sql, asked):
    """Never what NaN would be lost by: statistics of Parquet leave it out."""
    assert (compiled(sql, TABLE.schema).pushed() is not None) == asked


# What is done by bits


@pytest.mark.parametrize("first, rows", [(0, 64), (3, 40), (8, 8), (63, 1), (64, 0)])
@pytest.mark.parametrize("nulls", [False, True])
def test_places_in_a_slice_of_truths(first, rows, nulls):
    truths = numpy.random.default_rng(first).random(64) < 0.5
    known = numpy.random.default_rng(rows).random(64) < (0.5 if nulls else 1)
    part = slice(first, first + rows)
    mask = pyarrow.array(truths, mask=~known).slice(first, rows)
    expected = numpy.flatnonzero((truths & known)[part]).tolist()
    assert conditions.places_in(mask).tolist() == expected


ODD = [0.0, -0.0, 1.5, float("inf"), -float("inf"), float("nan"), 5e-324]


@pytest.mark.parametrize("kind", [pyarrow.float64(), pyarrow.float32(), pyarrow.int64()])
@pytest.mark.parametrize("has_nulls", [False, True])
def test_a_choice_of_numbers_keeps_their_bits(kind, has_nulls):
    values = ODD if pyarrow.types.is_floating(kind) else [0, -1, 1, 2**62, -(2**63), 7, 8]
    first = pyarrow.array(values, kind)
    second = pyarrow.array([None if has_nulls else values[0], *values[:0:-1]], kind)
    table = pyarrow.table({"a": first, "b": second, "c": [True, False] * 3 + [True]})
    table = table.slice(1)  # so that bits begin within a byte
    wanted = pyarrow.float64() if pyarrow.types.is_floating(kind) else pyarrow.int64()
    for branch, other in ("a", "b"), ("a", "9"), ("3", "b"), ("3", "9"):
        found = Table(table).evaluate(f"CASE WHEN c THEN {branch} ELSE {other} END")
        sides = [table[part].cast(wanted) if part in "ab" else pyarrow.scalar(int(part), wanted)
                 for part in (branch, other)]  # fmt: skip
        expected = pyarrow.compute.if_else(table["c"], *sides)
        if branch != "3" or other != "9":
            assert found.type == wanted
        pairs = zip(found.to_pylist(), expected.cast(found.type).to_pylist(), strict=True)
        assert all(repr(ours) == repr(theirs) for ours, theirs in pairs)
