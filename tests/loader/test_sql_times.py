"""SQL over tables: dates, times and durations. SPDX-License-Identifier: Apache-2.0"""

import datetime
import itertools
import random
import time

import pyarrow
import pyarrow.compute
import pytest
from sql_library import SqlTable
from sql_tables import filters, table


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
