"""SQL over Arrow tables: docs/sql.md, and the traps of SQLite that are closed.

SPDX-License-Identifier: Apache-2.0
"""

import datetime
import decimal
import itertools
import math
import os
import random
import subprocess
import sys
import time
import unicodedata

import pyarrow
import pyarrow.compute
import pytest
from library import PATH, LoaderError
from sql_library import SqlTable

NAN = math.nan
D = decimal.Decimal
STAMPS = [datetime.datetime(2024, 1, day, 12, 0, 0, 500000 * (day % 2)) for day in range(1, 7)]
TABLE = pyarrow.table(
    {
        "id": range(6),
        "x": [0.1, 0.6, NAN, None, -0.0, 2.5],
        "f": pyarrow.array([0.5, 1.5, NAN, None, -2.0, 0.25], pyarrow.float32()),
        "name": ["a", "A", None, "ab", "x%z", "é"],
        "c": pyarrow.array(["A", "B", "A", None, "C", "B"]).dictionary_encode(),
        "st": [{"a": i, "b": {"c": str(i)}} if i != 3 else None for i in range(6)],
        "u": pyarrow.array([0, 1, 2**63, 2**64 - 1, 2**64 - 2, None], pyarrow.uint64()),
        "flag": [True, False, None, True, True, False],
        "day": [stamp.date() for stamp in STAMPS],
        "ts": pyarrow.array(STAMPS, pyarrow.timestamp("us")),
        "utc": pyarrow.array(STAMPS, pyarrow.timestamp("ns", "UTC")),
        "clock": [stamp.time() for stamp in STAMPS],
        "vec": [[1.0, 2.0], None, [], [1.0], [NAN], [None]],
        "dec": pyarrow.array(
            [D("1.50"), D("2.00"), D("-3.25"), None, D("9.99"), D("10")], pyarrow.decimal128(10, 2)
        ),
        "big": pyarrow.array([D(10) ** 20, D(5), D(-5), None, D(0), D(7)], pyarrow.decimal128(38)),
        "b": [b"a", b"b", b"", None, b"\0x", b"f"],
        "nul": ["a\0b", "a", "", "\0", None, "a\0c"],
        "a b": range(6),
        'q"t': range(6),
        "d.t": range(6),
        "took": pyarrow.array([1, 2, 3, None, 5, 6], pyarrow.duration("s")),
        "none": pyarrow.nulls(6),
        "h": pyarrow.array([0, 1, 65504, None, 0.333251953125, NAN], pyarrow.float16()),
        "rle": pyarrow.RunEndEncodedArray.from_arrays(
            pyarrow.array([2, 3, 6], pyarrow.int32()), pyarrow.array([7, None, 9])
        ),
        "view": pyarrow.array(
            ["a", "long enough for a buffer", None, "", "é", "z"], pyarrow.string_view()
        ),
    }
)


@pytest.fixture(scope="module")
def table():
    with SqlTable(TABLE) as imported:
        yield imported


def filters(*pairs):
    return pytest.mark.parametrize("sql, rows", pairs, ids=[sql for sql, _ in pairs])


@filters(
    ("id < 3", [0, 1, 2]),
    ("x > .5", [1, 2, 5]),
    ("id % 2 = 0", [0, 2, 4]),
    ("c IN ('A', 'B')", [0, 1, 2, 5]),
    ("id > 2 AND name = 'ab'", [3]),
    ("name IS NOT NULL", [0, 1, 3, 4, 5]),
    ("st.a > 3", [4, 5]),
    ("st.b.c = '4'", [4]),
    ('"st"."a" > 3', [4, 5]),
    ("`st.a` > 3", [4, 5]),
    ("st.a IS NULL", [3]),
    ("st IS NULL", [3]),
    ("length(name) = 2", [3]),
    ("abs(id - 3) <= 1", [2, 3, 4]),
    ("id BETWEEN 2 AND 4", [2, 3, 4]),
    ("id NOT BETWEEN 2 AND 4", [0, 1, 5]),
    ("id NOT IN (1, 2)", [0, 3, 4, 5]),
    ("id IN (1, NULL)", [1]),
    ("id NOT IN (1, NULL)", []),
    ("NOT id = 1 AND id <> 2", [0, 3, 4, 5]),
    ("id = 1 OR id = 2 AND x IS NULL", [1]),
    ("CASE WHEN id > 2 THEN flag ELSE true END", [0, 1, 2, 3, 4]),
    ("CASE id WHEN 1 THEN true WHEN 3 THEN true END", [1, 3]),
    ("id / 2.0 = 1.5", [3]),
    ("id / 2 = 1", [2, 3]),
    ("CAST(id AS DOUBLE) / 2 = 1.5", [3]),
    ("lower(name) = 'a'", [0, 1]),
    ("upper(substr(name, 1, 1)) = 'A'", [0, 1, 3]),
    ("coalesce(x, 7) = 7", [3]),
    ("ifnull(name, 'none') = 'none'", [2]),
    ("round(x) = 1", [1]),
    ('"a b" = 1', [1]),
    ("`a b` = 1", [1]),
    ('"q""t" = 1', [1]),
    ("d.t = 1", [1]),
    ('"d.t" = 1', [1]),
    ("rle = 7", [0, 1]),
    ("rle IS NULL", [2]),
    ("view = 'long enough for a buffer'", [1]),
    ("h > 1", [2, 5]),
    ("none IS NULL", [0, 1, 2, 3, 4, 5]),
    ("none = 1", []),
    ("1 = 1", [0, 1, 2, 3, 4, 5]),
    ("NULL", []),
    ("took > 3", [4, 5]),
)
def test_filter(table, sql, rows):
    assert table.filter(sql) == rows


@filters(
    ("name LIKE 'a%'", [0, 3]),
    ("name LIKE 'A'", [1]),
    ("name ILIKE 'a'", [0, 1]),
    ("name NOT LIKE 'a%'", [1, 4, 5]),
    ("name LIKE '_'", [0, 1, 5]),
    ("name LIKE '%!%%' ESCAPE '!'", [4]),
    ("name LIKE ''", []),
    ("nul LIKE 'a_c'", [5]),
)
def test_like_knows_capitals(table, sql, rows):
    assert table.filter(sql) == rows


@filters(
    ("x IS NULL", [3]),
    ("x < 1", [0, 1, 4]),
    ("x > 1", [2, 5]),
    ("x = x", [0, 1, 2, 4, 5]),
    ("x <> x", []),
    ("isnan(x)", [2]),
    ("x = CAST('nan' AS DOUBLE)", [2]),
    ("f >= 1.5 AND NOT isnan(f)", [1]),
    ("x * 2 > 0", [0, 1, 5]),
    ("x + 1 IS NULL", [2, 3]),
    ("coalesce(x, 7) + 1 > 0", [0, 1, 3, 4, 5]),
    ("CASE WHEN true THEN x END * 1 IS NULL", [2, 3]),
    ("-x < 0", [0, 1, 5]),
    ("x = 0", [4]),
    ("x IN (0.1, 2.5)", [0, 5]),
    ("x IS DISTINCT FROM 0.1", [1, 2, 3, 4, 5]),
    ("x IS NOT DISTINCT FROM NULL", [3]),
)
def test_nan_is_a_value_above_all(table, sql, rows):
    assert table.filter(sql) == rows


@filters(
    ("u = 18446744073709551615", [3]),
    ("u = 18446744073709551614", [4]),
    ("u = 9223372036854775808", [2]),
    ("u > 9223372036854775807", [2, 3, 4]),
    ("u >= 0", [0, 1, 2, 3, 4]),
    ("u < 1e30", [0, 1, 2, 3, 4]),
    ("u > 1.5", [2, 3, 4]),
    ("u > 9223372036854775808.0", [3, 4]),
    ("u BETWEEN 0.5 AND 1e19", [1, 2]),
    ("u NOT BETWEEN 0.5 AND 1e19", [0, 3, 4]),
    ("u IN (1, 18446744073709551615)", [1, 3]),
    ("u IN (1.0, 1e3)", [1]),
    ("u % 10 = 5", [3]),
    ("u - 1 = 18446744073709551614", [3]),
    ("u / 2 = 9223372036854775807", [3, 4]),
    ("u > x", [1, 4]),
    ("u < x", [0, 2]),
    ("id < 18446744073709551615", [0, 1, 2, 3, 4, 5]),
    ("x < 18446744073709551615", [0, 1, 4, 5]),
    ("id < 1e400", None),
)
def test_large_unsigned_numbers(table, sql, rows):
    if rows is None:
        with pytest.raises(LoaderError, match="beyond what a double holds"):
            table.filter(sql)
    else:
        assert table.filter(sql) == rows


@filters(
    ("flag", [0, 3, 4]),
    ("NOT flag", [1, 5]),
    ("flag = true", [0, 3, 4]),
    ("flag = FALSE", [1, 5]),
    ("flag IS TRUE", [0, 3, 4]),
    ("flag IS NOT TRUE", [1, 2, 5]),
    ("flag IS NULL", [2]),
    ("flag OR id = 2", [0, 2, 3, 4]),
    ("(x > 1) = flag", [1]),
    ("true", [0, 1, 2, 3, 4, 5]),
    ("false", []),
)
def test_booleans(table, sql, rows):
    assert table.filter(sql) == rows


@filters(
    ("day >= '2024-01-05'", [4, 5]),
    ("day = date '2024-01-05'", [4]),
    ("day > '2024-01-05 00:00:00'", [5]),
    ("day BETWEEN '2024-01-02' AND '2024-01-03'", [1, 2]),
    ("day IN ('2024-01-02', '2024-01-06')", [1, 5]),
    ("ts > '2024-01-05'", [4, 5]),
    ("ts = '2024-01-05T12:00:00.500Z'", [4]),
    ("ts = '2024-01-05 13:00:00.5+01:00'", [4]),
    ("ts < timestamp '2024-01-01 12:00:00.6'", [0]),
    ("utc = ts", [0, 1, 2, 3, 4, 5]),
    ("ts > day", [0, 1, 2, 3, 4, 5]),
    ("clock > '12:00'", [0, 2, 4]),
    ("clock = time '12:00:00.50'", [0, 2, 4]),
    ("ts = '2024-01-02 12:00:00.000'", [1]),
    ("day < 'infinity'", [0, 1, 2, 3, 4, 5]),
    ("substr(ts, 1, 7) = '2024-01'", [0, 1, 2, 3, 4, 5]),
)
def test_dates_and_times(table, sql, rows):
    assert table.filter(sql) == rows


def test_times_beyond_four_digits():
    stamps = pyarrow.array([-(2**63), -1, 0, 2**62, None], pyarrow.int64()).view(
        pyarrow.timestamp("s")
    )
    days = pyarrow.array([-(2**31), -1, 0, 2**31 - 1, None], pyarrow.int32()).view(
        pyarrow.date32()
    )
    with SqlTable(pyarrow.table({"ts": stamps, "day": days})) as table:
        assert table.filter("ts < '1970-01-01'") == [0, 1]
        assert table.filter("ts > '9999-12-31 23:59:59'") == [3]
        assert table.filter("day < '1970-01-01'") == [0, 1]
        assert table.filter("day > '9999-12-31'") == [3]
        assert table.evaluate("ts").to_pylist() == [
            "-infinity", "1969-12-31 23:59:59", "1970-01-01 00:00:00", "infinity", None]  # fmt: skip


UNITS = {"s": 1, "ms": 1000, "us": 10**6, "ns": 10**9}
OPERATORS = ("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")


def random_times(source):
    """{name: array} of dates, timestamps and times, with infinite ones where they have them."""
    columns = {"day": [source.randrange(-800000, 3000000) for _ in range(60)]}
    columns["day"] = pyarrow.array(columns["day"], pyarrow.int32()).view(pyarrow.date32())
    milliseconds = [source.randrange(-70 * 10**12, 260 * 10**12) for _ in range(60)]
    columns["date64"] = pyarrow.array(milliseconds, pyarrow.int64()).view(pyarrow.date64())
    for unit, count in UNITS.items():
        most = min(260 * 10**9 * count, 2**63)
        values = [source.randrange(max(-70 * 10**9 * count, -(2**63)), most) for _ in range(40)]
        values += [source.randrange(-3, 3) * count // 2 for _ in range(20)]
        stamps = pyarrow.array(values, pyarrow.int64()).view(pyarrow.timestamp(unit))
        columns[unit] = stamps
        columns[unit + "_coded"] = stamps.take(
            pyarrow.array([i // 2 * 2 for i in range(60)])
        ).dictionary_encode()
    clocks = [source.randrange(0, 86400 * 10**6) for _ in range(60)]
    columns["clock"] = pyarrow.array(clocks, pyarrow.int64()).view(pyarrow.time64("us"))
    return columns


@pytest.mark.parametrize("seed", range(8))
def test_times_compare_as_their_texts_do(seed):
    source = random.Random(seed)
    nulls = pyarrow.array([source.random() < 0.9 for _ in range(60)])
    columns = {
        name: pyarrow.compute.if_else(nulls, values, pyarrow.scalar(None, values.type))
        if not pyarrow.types.is_dictionary(values.type)
        else values
        for name, values in random_times(source).items()
    }
    compared = 0
    with SqlTable(pyarrow.table(columns)) as table:
        for name in columns:
            texts = [text for text in table.evaluate(name).to_pylist() if text]
            literals = source.sample(texts, 4) + ["-infinity", "infinity"] * (name != "clock")
            if name != "clock":
                literals.append("9999-12-31" if "da" in name else "9999-12-31 23:59:59")
            if name in UNITS:
                literals += ["1970-01-01 00:00:00.25", "1969-12-31 23:59:59.999999999"]
            for literal, operator in itertools.product(literals, OPERATORS):
                wanted = table.filter(f"substr({name}, 1) {operator} '{literal}'")
                assert table.filter(f"{name} {operator} '{literal}'") == wanted, (literal, operator)
                compared += len(wanted)
            low, high = source.sample(texts, 2)
            for test in (f"BETWEEN '{low}' AND '{high}'", f"NOT IN ('{low}', NULL, '{high}')",
                         f"IN ('{low}', '{high}')", "IS NULL", "IS NOT NULL"):  # fmt: skip
                wanted = table.filter(f"substr({name}, 1) {test}")
                assert table.filter(f"{name} {test}") == wanted, test
        for one, other in itertools.product(columns, repeat=2):
            if one.split("_")[0] == other.split("_")[0] and one != "clock":
                wanted = table.filter(f"substr({one}, 1) < substr({other}, 1)")
                assert table.filter(f"{one} < {other}") == wanted
        midnight = table.filter("substr(us, 1) >= '2024-02-29 00:00:00'")
        assert table.filter("us >= date '2024-02-29'") == midnight
    assert compared > 5000


def test_times_are_compared_as_fast_as_numbers():
    """Of two runs that alternate: texts of timestamps took ten times as long."""
    numbers = pyarrow.array(range(200_000), pyarrow.int64())
    stamps = numbers.cast(pyarrow.timestamp("us"))
    with SqlTable(pyarrow.table({"n": numbers, "ts": stamps})) as table:
        taken = {"n < 100": [], "ts < timestamp '1970-01-01 00:00:00.0001'": []}
        for _ in range(5):
            for sql, times in taken.items():
                begun = time.thread_time()
                assert table.filter_count(sql) == 100
                times.append(time.thread_time() - begun)
    number, stamp = (min(times) for times in taken.values())
    assert stamp < 4 * number


def test_every_day_is_the_right_one():
    source = random.Random(3)
    days = [datetime.date.fromordinal(source.randrange(1, 3652060)) for _ in range(3000)]
    with SqlTable(pyarrow.table({"day": days})) as table:
        assert table.evaluate("day").to_pylist() == [day.isoformat() for day in days]
        for number in range(0, 3000, 100):
            found = table.filter(f"day = '{days[number].isoformat()}'")
            assert found == [i for i, day in enumerate(days) if day == days[number]]


@filters(
    ("dec > 2", [4, 5]),
    ("dec = 9.99", [4]),
    ("dec / 4 = 2.5", [5]),
    ("big = 5", [1]),
    ("big > 9223372036854775807", [0]),
    ("big / 2 = 3.5", [5]),
    ("b = 'a'", [0]),
    ("length(b) = 2", [4]),
    ("length(nul) = 3", [0, 5]),
    ("nul = 'a'", [1]),
    ("vec IS NULL", [1]),
    ("vec IS NOT NULL AND id > 3", [4, 5]),
)
def test_decimals_binary_and_lists(table, sql, rows):
    assert table.filter(sql) == rows


@pytest.mark.parametrize(
    "sql, kind, values",
    [
        ("id % 3", "int64", [0, 1, 2, 0, 1, 2]),
        ("-id % 3", "int64", [0, -1, -2, 0, -1, -2]),
        ("id / 2", "int64", [0, 0, 1, 1, 2, 2]),
        ("-7 / 2", "int64", [-3] * 6),
        ("id / 2.0", "double", [0, 0.5, 1, 1.5, 2, 2.5]),
        ("id / 0", "int64", [None] * 6),
        ("id > 2", "bool", [False, False, False, True, True, True]),
        ("x > 1", "bool", [False, False, True, None, False, True]),
        ("id IN (0, 1) AND x > 1", "bool", [False] * 6),
        ("name", "string", ["a", "A", None, "ab", "x%z", "é"]),
        ("b", "binary", [b"a", b"b", b"", None, b"\0x", b"f"]),
        ("c", "string", ["A", "B", "A", None, "C", "B"]),
        ("u", "uint64", [0, 1, 2**63, 2**64 - 1, 2**64 - 2, None]),
        ("CASE WHEN id < 2 THEN u END", "int64", [0, 1, None, None, None, None]),
        ("CASE WHEN id = 0 THEN -1 ELSE u END", "double", [-1, 1, 2.0**63, 2.0**64, 2.0**64, None]),
        ("CASE WHEN id < 3 THEN id ELSE name END", "string", ["0", "1", "2", "ab", "x%z", "é"]),
        ("CASE WHEN id < 3 THEN 1 ELSE .5 END", "double", [1, 1, 1, 0.5, 0.5, 0.5]),
        ("CASE WHEN id < 3 THEN 1 ELSE .5 END / 2", "double", [0.5] * 3 + [0.25] * 3),
        ("id || ':' || flag", "string", ["0:true", "1:false", None, "3:true", "4:true", "5:false"]),
        ("CAST(id AS TEXT)", "string", list("012345")),
        ("CAST(x AS TEXT)", "string", ["0.1", "0.6", "NaN", None, "-0.0", "2.5"]),
        ("CAST('12x' AS BIGINT)", "int64", [None] * 6),
        ("CAST(' 12' AS BIGINT)", "int64", [None] * 6),
        ("CAST('-12' AS BIGINT)", "int64", [-12] * 6),
        ("CAST('1e3' AS DOUBLE)", "double", [1000.0] * 6),
        ("CAST(x AS INT)", "int64", [0, 0, None, None, 0, 2]),
        ("CAST(id AS BOOLEAN)", "bool", [False] + [True] * 5),
        ("CAST('TRUE' AS BOOL)", "bool", [True] * 6),
        ("id + 9223372036854775807", "double", [2.0**63] * 6),
        ("-9223372036854775808", "int64", [-(2**63)] * 6),
        ("- -5", "int64", [5] * 6),
        ("0x1F", "int64", [31] * 6),
        ("7.5 % 2", "double", [1.5] * 6),
        ("NULL", "int64", [None] * 6),
        ("none", "int64", [None] * 6),
        ("st.b.c", "string", ["0", "1", "2", None, "4", "5"]),
        ("dec", "double", [1.5, 2, -3.25, None, 9.99, 10]),
        ("big", "double", [1e20, 5, -5, None, 0, 7]),
        ("took", "int64", [1, 2, 3, None, 5, 6]),
        ("day", "string", [f"2024-01-0{i}" for i in range(1, 7)]),
        ("clock", "string", ["12:00:00.5", "12:00:00"] * 3),
        ("round(2.5)", "double", [3.0] * 6),
        ("round(-2.5)", "double", [-3.0] * 6),
        ("round(12.345, 2)", "double", [12.35] * 6),
        ("round(1234, -2)", "double", [1200.0] * 6),
        ("floor(-1.5) + ceil(1.2)", "double", [0.0] * 6),
        ("nullif(id, 3)", "int64", [0, 1, 2, None, 4, 5]),
        ("replace(name, 'a', 'o')", "string", ["o", "A", None, "ob", "x%z", "é"]),
        ("instr(name, 'b')", "int64", [0, 0, None, 2, 0, 0]),
        ("trim('  a ')", "string", ["a"] * 6),
        ("'it''s'", "string", ["it's"] * 6),
        ("1 + 2 * 3 - 4 / 2", "int64", [5] * 6),
        ("2 - 1 - 1", "int64", [0] * 6),
        ("(1 + 2) * 3 = 9 AND NOT 1 > 2", "bool", [True] * 6),
        ("abs(-9223372036854775808)", "double", [2.0**63] * 6),
        ("h", "double", [0, 1, 65504, None, 0.333251953125, NAN]),
    ],
)
def test_evaluate(table, sql, kind, values):
    found = table.evaluate(sql)
    assert str(found.type) == kind
    assert repr(found.to_pylist()) == repr(pyarrow.array(values, found.type).to_pylist())


@pytest.mark.parametrize(
    "sql, message",
    [
        ("", "the expression is empty"),
        ("  ", "the expression is empty"),
        ("nosuch = 1", "character 1: no field named `nosuch`; valid fields are id, x, f, name, c, "
         "st, st.a, st.b, u"),  # fmt: skip
        ('"nosuch" = \'nosuch\'', "character 1: no field named `nosuch`"),
        ("id = \"a\"", "character 6: no field named `a`"),
        ("ID = 1", "no field named `ID`"),
        ("st.z = 1", "no field named `st.z`"),
        ("id.a = 1", "no field named `id.a`"),
        ("id =", "character 5: the expression ends where a value should come"),
        ("id = = 1", "character 6: `=` where a value should come"),
        ("(id = 1", "character 8: the expression ends where `\\)` should come"),
        ("id = 1)", "character 7: `\\)` where an operator or the end should come"),
        ("'éé' = nosuch", "character 8: no field"),
        ("id 1", "character 4: `1` where an operator"),
        ("name = 'a", "character 8: the text that begins here does not end"),
        ("id = 12abc", "character 6: `12a` is not a number"),
        ("1; DROP TABLE t", "character 2: `;`: one expression, not statements"),
        ("id = 1; SELECT 1", "one expression, not statements"),
        ("id IN (SELECT 1)", "no SELECT"),
        ("(SELECT 1) = 1", "no SELECT"),
        ("EXISTS (SELECT 1)", "no function `EXISTS`"),
        ("1 UNION SELECT 1", "`UNION` where an operator or the end"),
        ("id = 1 ORDER BY id", "`ORDER` where an operator or the end"),
        ("id = 1 -- more", "comments are not read"),
        ("id /* */ = 1", "comments are not read"),
        ("id = ?1", "`\\?` means nothing here"),
        ("id = :a", "`:` means nothing here"),
        ("id = @a", "`@` means nothing here"),
        ("load_extension('x')", "no function `load_extension`"),
        ("random() > 0", "`random` is refused"),
        ("sum(id) > 0", "no aggregates"),
        ("count(*) > 0", "no aggregates"),
        ("max(id) = id", "no aggregates"),
        ("abs(id) OVER () = 1", "no window functions"),
        ("id", "a filter needs a condition, and this is a number"),
        ("name", "a filter needs a condition, and this is text"),
        ("id AND true", "AND needs a condition, and this is a number"),
        ("NOT id", "NOT needs a condition"),
        ("id = '5'", "character 6: this is text, and is compared with a number"),
        ("name > 5", "this is a number, and is compared with text"),
        ("name + 1 = 2", "`\\+` needs numbers, and this is text"),
        ("id LIKE 'a'", "LIKE needs text, and this is a number"),
        ("vec = 1", "this is a list, map, struct or the like"),
        ("length(vec) = 1", "length needs text"),
        ("day = 'yesterday'", "`yesterday` is compared with a date, and is not one"),
        ("day = '2023-02-29'", "compared with a date"),
        ("ts = date '2023-13-01'", "is not a date"),
        ("length(name, 1) = 1", "length takes 1 to 1 arguments, and here are 2"),
        ("id IN ()", "IN needs at least one value"),
        ("name LIKE 'a' ESCAPE 'ab'", "ESCAPE takes one ASCII character"),
        ("CAST(id AS BLOB) = 1", "a type: BIGINT, DOUBLE, TEXT or BOOLEAN"),
        ("CASE WHEN true THEN x ELSE b END IS NULL", "numbers and binary do not come together"),
        ("(" * 200 + "1" + ")" * 200 + "=1", "nested deeper than 100"),
        ("id = 1" + " OR id = 1" * 2000, "more than 900 operators in a row"),
        ("\x01 = 1", "means nothing here"),
        ("a\nb", "no field named `a`"),
    ],
)  # fmt: skip
def test_refused(table, sql, message):
    with pytest.raises(LoaderError, match=message) as caught:
        table.filter(sql)
    assert "\n" not in str(caught.value)


def test_long_expressions(table):
    assert table.filter("id = 1" + " OR id = 2" * 800) == [1, 2]
    assert table.filter("id = 1" + " AND id < 3" * 800) == [1]
    numbers = ", ".join(str(number) for number in range(3, 100_000))
    assert table.filter(f"id IN ({numbers})") == [3, 4, 5]
    reals = ", ".join(f"{number}.5" for number in range(2000))
    assert table.filter(f"x IN ({reals})") == [5]
    assert table.filter("id" + " + 1" * 400 + " - 399" + " * 1" * 400 + " = 2") == [1]
    assert table.filter("x" + " - 1" * 400 + " * 2 > -399.5") == [5]
    with pytest.raises(LoaderError, match="^SQL: nested too deeply for SQLite$"):
        table.filter("abs(" * 90 + "id" + ")" * 90 + " = 1")
    assert table.filter("(" * 20 + "id = 1" + ")" * 20) == [1]


def test_same_name_twice():
    twice = pyarrow.Table.from_arrays([pyarrow.array([1]), pyarrow.array([2])], ["a", "a"])
    with SqlTable(twice) as table, pytest.raises(LoaderError, match="more than one column is"):
        table.filter("a = 1")


def test_no_rows_and_no_batches():
    for empty in (TABLE.slice(0, 0), pyarrow.Table.from_batches([], TABLE.schema)):
        with SqlTable(empty) as table:
            assert table.filter("id < 3") == []
            assert table.evaluate("x + id").to_pylist() == []
            assert str(table.evaluate("name || 'a'").type) == "string"


def test_chunks_slices_and_struct_offsets():
    source = random.Random(1)
    rows = 1000
    ids = pyarrow.array([source.choice([None, *range(50)]) for _ in range(rows)])
    texts = pyarrow.array([source.choice([None, "a", "b", "abc"]) for _ in range(rows)])
    mask = pyarrow.array([source.random() < 0.2 for _ in range(rows)])
    structs = pyarrow.StructArray.from_arrays([ids, texts], ["i", "t"], mask=mask)
    table = pyarrow.table({"i": ids, "t": texts, "s": structs})
    plain = table.to_pylist()
    wanted = [
        number
        for number, row in enumerate(plain)
        if row["i"] is not None and row["i"] < 25 and row["s"] and row["s"]["t"] == "a"
    ]
    for _ in range(10):
        cuts = sorted({0, rows, *(source.randrange(rows) for _ in range(9))})
        pieces = [table.slice(a, b - a) for a, b in zip(cuts, cuts[1:], strict=False)]
        pieces.insert(source.randrange(len(pieces)), table.slice(0, 0))
        with SqlTable(pyarrow.concat_tables(pieces)) as imported:
            assert imported.filter("i < 25 AND s.t = 'a'") == wanted
            assert imported.evaluate("s.i").to_pylist() == [
                row["s"] and row["s"]["i"] for row in plain
            ]
    with SqlTable(table.slice(300)) as imported:
        assert imported.filter("i < 25 AND s.t = 'a'") == [n - 300 for n in wanted if n >= 300]


# Random expressions, and what they are in plain Python.

LEAVES = ["id", "k", "x", "1", "2", "3", "0.5"]


class Expression:
    """Text, and a function of a row."""

    def __init__(self, text, value, real=False):
        self.text, self.value, self.real = text, value, real


def numeric(source, depth):
    if depth == 0 or source.random() < 0.2:
        name = source.choice(LEAVES)
        if name[0].isdigit():
            constant = float(name) if "." in name else int(name)
            return Expression(name, lambda row: constant, "." in name)
        return Expression(name, lambda row: row[name], name == "x")
    operator = source.choice("+-*/%c")
    a, b = numeric(source, depth - 1), numeric(source, depth - 1)
    if operator == "c":
        test = condition(source, depth - 1)
        return Expression(
            f"CASE WHEN {test.text} THEN {a.text} ELSE {b.text} END",
            lambda row: a.value(row) if test.value(row) else b.value(row),
            a.real or b.real,
        )
    real = a.real or b.real

    def calculate(row):
        left, right = a.value(row), b.value(row)
        if left is None or right is None or math.isnan(left) or math.isnan(right):
            return None
        if operator in "/%" and right == 0:
            return None
        if operator == "/":
            if real:
                return left / right
            return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        if operator == "%":
            return math.fmod(left, right) if real else int(math.fmod(left, right))
        return {"+": left + right, "-": left - right, "*": left * right}[operator]

    return Expression(f"({a.text} {operator} {b.text})", calculate, real)


def rank(value):
    return (1, 0) if math.isnan(value) else (0, value)


COMPARE = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def comparison(source, depth):
    a, b = numeric(source, depth), numeric(source, depth)
    operator = source.choice(list(COMPARE))

    def compare(row):
        left, right = a.value(row), b.value(row)
        if left is None or right is None:
            return None
        return COMPARE[operator](rank(left), rank(right))

    return Expression(f"{a.text} {operator} {b.text}", compare)


def condition(source, depth):
    choice = source.randrange(5) if depth > 0 else 0
    if choice == 0:
        return comparison(source, max(depth - 1, 0))
    a = condition(source, depth - 1)
    if choice == 1:
        return Expression(
            f"NOT ({a.text})", lambda row: None if a.value(row) is None else not a.value(row)
        )
    if choice == 2:
        b = numeric(source, depth - 1)
        return Expression(f"({b.text}) IS NULL", lambda row: b.value(row) is None)
    b = condition(source, depth - 1)
    if choice == 3:

        def both(row):
            found = (a.value(row), b.value(row))
            return False if False in found else None if None in found else True

        return Expression(f"({a.text}) AND ({b.text})", both)

    def either(row):
        found = (a.value(row), b.value(row))
        return True if True in found else None if None in found else False

    return Expression(f"({a.text}) OR ({b.text})", either)


@pytest.mark.parametrize("seed", range(6))
def test_random_expressions(seed):
    source = random.Random(seed)
    rows = [
        {
            "id": source.choice([None, *range(-5, 6)]),
            "k": source.randrange(-3, 4),
            "x": source.choice([None, NAN, 0.0, 0.5, -1.5, 2.0, 3.0]),
        }
        for _ in range(60)
    ]
    kinds = [("id", pyarrow.int64()), ("k", pyarrow.int16()), ("x", pyarrow.float64())]
    table = pyarrow.Table.from_pylist(rows, pyarrow.schema(kinds))
    with SqlTable(table) as imported:
        for _ in range(150):
            expression = condition(source, 3)
            wanted = [expression.value(row) for row in rows]
            assert imported.evaluate(expression.text).to_pylist() == wanted, expression.text
            assert imported.filter(expression.text) == [
                number for number, found in enumerate(wanted) if found
            ], expression.text


def test_as_pyarrow_does_it():
    source = random.Random(5)
    values = pyarrow.array([source.choice([None, source.gauss(0, 1)]) for _ in range(5000)])
    texts = pyarrow.array([source.choice([None, "ab", "b", "cab"]) for _ in range(5000)])
    with SqlTable(pyarrow.table({"x": values, "t": texts})) as table:
        compute = pyarrow.compute
        mask = compute.and_kleene(compute.less(values, 0.25), compute.match_like(texts, "%ab"))
        assert table.evaluate("x < .25 AND t LIKE '%ab'").equals(mask)
        assert table.evaluate("abs(x) * 2").equals(
            compute.multiply(compute.abs(values), pyarrow.scalar(2.0))
        )
        assert table.evaluate("length(t)").equals(
            compute.utf8_length(texts).cast(pyarrow.int64())
        )


PIECES = [
    "id", "x", "name", "st.a", "u", "flag", "day", "(", ")", ",", "=", "<", "+", "-", "*", "/", "%",
    "||", " AND ", " OR ", " NOT ", " IS NULL", " IN (", " BETWEEN ", " LIKE ", "'a'", "'", '"', "1",
    "2.5", "18446744073709551615", "CASE WHEN ", " THEN ", " ELSE ", " END", "CAST(", " AS INT)",
    "abs(", "length(", "coalesce(", ";", "--", "SELECT ", "PRAGMA ", "\x00", "é", "\xff", "NULL",
    "true", "date '2024-01-01'", ".", "`", "[", "]", "?", "\n", "ATTACH 'x' AS y",
]  # fmt: skip


def check_any(table, sql):
    for call in (table.filter, table.evaluate):
        try:
            call(sql)
        except LoaderError as error:
            text = str(error)
            assert text and len(text) < 512
            assert "\ufffd" not in text  # all of it is UTF-8
            kinds = {unicodedata.category(character) for character in text}
            assert not kinds & {"Cc", "Zl", "Zp"}, text


def test_any_bytes(table):
    source = random.Random(11)
    for _ in range(4000):
        check_any(table, bytes(source.randrange(256) for _ in range(source.randrange(40))))


def test_any_words(table):
    source = random.Random(12)
    for _ in range(6000):
        words = [source.choice(PIECES) for _ in range(source.randrange(1, 14))]
        check_any(table, "".join(words).encode("latin-1" if source.random() < 0.1 else "utf-8"))


INJECTIONS = [
    "1=1) UNION SELECT sql FROM sqlite_master --",
    "1 FROM sqlite_master",
    "id = 1 LIMIT 1",
    "t.id = 1",
    "rowid = 1",
    "c0 = 1",
    "(1, 2) = (1, 2)",
    "id COLLATE NOCASE = 1",
    "fl_number(1) = 1",
    "sqlite_version() = '3'",
    "readfile('/etc/passwd') = ''",
    "writefile('x', 'y') = 1",
    "zeroblob(1000000000) IS NULL",
    "printf('%1000000000d', 1) = ''",
    "name REGEXP 'a'",
    "name MATCH 'a'",
    "name GLOB 'a'",
    "RAISE(FAIL, 'x')",
    "changes() = 0",
    "id -> 'a' = 1",
    "strftime('%s', 'now') = '1'",
    "current_timestamp = ''",
    "x'00' = b",
    "id = 1 WINDOW w AS ()",
]


@pytest.mark.parametrize("sql", INJECTIONS)
def test_injections(table, sql):
    with pytest.raises(LoaderError, match="^SQL at character"):
        table.filter(sql)


def test_quotes_stay_in_their_text(table):
    hostile = "a' OR '1'='1"
    quoted = hostile.replace("'", "''")
    assert table.filter(f"name = '{quoted}'") == []
    assert table.evaluate(f"'{quoted}'").to_pylist() == [hostile] * 6


def test_values_that_grow_are_stopped(table):
    grown = "name"
    for _ in range(11):
        grown = f"replace({grown}, 'a', 'aaaaaaaaaaaaaaaa')"
    with pytest.raises(LoaderError, match="too big"):
        table.filter(f"length({grown}) > 0")


def test_other_locales_change_nothing():
    script = (
        "import locale, sys; sys.path.insert(0, sys.argv[1])\n"
        "for name in ('de_DE.UTF-8', 'fr_FR.UTF-8', 'C.UTF-8'):\n"
        "    try: locale.setlocale(locale.LC_ALL, name); break\n"
        "    except locale.Error: pass\n"
        "import pyarrow; from sql_library import SqlTable\n"
        "from decimal import Decimal\n"
        "t = SqlTable(pyarrow.table({'d': [Decimal('1.5')]}))\n"
        "assert t.filter('d = 1.5') == [0]\n"
        "assert t.evaluate('CAST(d AS TEXT)').to_pylist() == ['1.5']\n"
        "assert t.evaluate(\"CAST('2.5' AS DOUBLE)\").to_pylist() == [2.5]\n"
    )
    subprocess.run([sys.executable, "-c", script, os.path.dirname(__file__)], check=True)


def test_without_sqlite(tmp_path):
    """A library of this name that is none, and then none at all: an error that says what to do."""
    (tmp_path / "libsqlite3.so.0").write_text("no library")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import pyarrow; from sql_library import SqlTable; from library import LoaderError\n"
        "t = SqlTable(pyarrow.table({'d': [1]}))\n"
        "try: t.filter('d = 1')\n"
        "except LoaderError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, os.path.dirname(__file__)],
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path), "FORKLOADER_LIBRARY": PATH},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("SQL needs SQLite: apt install libsqlite3-0 ("), done


def test_in_a_forked_child(table):
    assert table.filter("id < 3") == [0, 1, 2]
    child = os.fork()
    if child == 0:
        os._exit(0 if table.filter("id < 2 OR x > 1") == [0, 1, 2, 5] else 1)
    assert os.waitpid(child, 0)[1] == 0
