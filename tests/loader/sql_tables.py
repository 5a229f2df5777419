"""The table of the tests of SQL, and what they ask of it. SPDX-License-Identifier: Apache-2.0"""

import datetime
import decimal
import math

import pyarrow
import pytest
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
