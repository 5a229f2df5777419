"""Random SQL expressions over a table of awkward values. SPDX-License-Identifier: Apache-2.0"""

import datetime
import decimal
import math

import numpy
import pyarrow

NAN, INF = math.nan, math.inf
DAYS = [datetime.date(2024, 2, day) for day in (27, 28, 29)]
STAMPS = [datetime.datetime(2024, 2, day, 12, 0, 0, 500000 * (day % 2)) for day in (27, 28, 29)]
COLUMNS = {
    "i": ([-3, 0, 1, 2, 7, None, -(2**63), 2**63 - 1, 2**53 + 1], pyarrow.int64()),
    "j": ([-128, 127, 0, 1, None, 5], pyarrow.int8()),
    "w": ([0, 1, 2**32 - 1, None, 7], pyarrow.uint32()),
    "u": ([0, 1, 2**63, 2**64 - 1, None], pyarrow.uint64()),
    "x": ([0.5, -0.0, 0.0, NAN, INF, -INF, None, 2.5, -2.5, 1e300, 7.0], pyarrow.float64()),
    "f": ([0.1, NAN, None, -2.5, 1.0, INF], pyarrow.float32()),
    "h": ([0.5, NAN, None, 65504.0, 1.0], pyarrow.float16()),
    "s": (["a", "A", "", None, "ab", "x%z", "x\\z", "é", "É", "a\0b", " a ", "a\nb", "日本"], None),
    "t": (["a", "b", None, "ab", "A"], "dictionary"),
    "v": (["a", None, "a long one that is no inline view", "é"], pyarrow.string_view()),
    "b": ([True, False, None], pyarrow.bool_()),
    "d": ([*DAYS, None, datetime.date(1969, 12, 31)], pyarrow.date32()),
    "ts": ([*STAMPS, None, datetime.datetime(1969, 12, 31, 23, 59, 59, 1)], pyarrow.timestamp("us")),
    "tz": ([*STAMPS, None], pyarrow.timestamp("ms", "Europe/Berlin")),
    "c": ([datetime.time(1, 2, 3), datetime.time(23, 59), None], pyarrow.time64("us")),
    "k": ([1, 5, None, -2], pyarrow.duration("s")),
    "e": ([decimal.Decimal("1.50"), decimal.Decimal("-3.25"), None, decimal.Decimal("9.99")],
          pyarrow.decimal128(10, 2)),
    "n": ([b"a", b"", None, b"\0x"], pyarrow.binary()),
}  # fmt: skip


def awkward(rows, rng):
    """Each column's values in random order, and a struct of some of them."""
    made = {}
    for name, (values, kind) in COLUMNS.items():
        chosen = [values[place] for place in rng.integers(0, len(values), rows)]
        if kind == pyarrow.timestamp("ms", "Europe/Berlin"):
            array = pyarrow.array(chosen, pyarrow.timestamp("ms")).view(kind)
        elif kind == pyarrow.float16():
            nulls = numpy.array([value is None for value in chosen])
            halves = numpy.array([value or 0 for value in chosen], numpy.float16)
            array = pyarrow.array(halves, kind, mask=nulls)
        elif kind == "dictionary":
            array = pyarrow.array(chosen).dictionary_encode()
        else:
            array = pyarrow.array(chosen, kind)
        made[name] = array
    fields = [made[name] for name in ("i", "x", "s")]
    mask = pyarrow.array(rng.random(rows) < 0.2)
    made["st"] = pyarrow.StructArray.from_arrays(fields, ["i", "x", "s"], mask=mask)
    return pyarrow.table(made)


class Generator:
    """Expressions of docs/sql.md by type, in parentheses, some levels deep."""

    def __init__(self, rng):
        self._rng = rng

    def one(self, options):
        return options[self._rng.integers(len(options))]

    def condition(self, depth):
        if depth <= 0:
            return self.one(["b", "true", "false", "NULL", "b IS NULL", "s IS NOT NULL"])
        make = self.one([self._logic, self._compared, self._compared, self._tested, self._chosen])
        return f"({make(depth - 1)})"

    def _logic(self, depth):
        form = self.one(["{} AND {}", "{} OR {}", "NOT {}", "{} IS TRUE", "{} IS NOT FALSE",
                         "{} IS NULL", "{} = {}"])  # fmt: skip
        return form.format(*(self.condition(depth) for _ in range(form.count("{}"))))

    def _compared(self, depth):
        make = self.one([self.number, self.number, self.number, self.text, self.time, self.binary])
        op = self.one(["=", "==", "<>", "!=", "<", "<=", ">", ">=", "IS DISTINCT FROM",
                       "IS NOT DISTINCT FROM"])  # fmt: skip
        if make == self.time:
            first, second = self.time(depth)
        else:
            first, second = make(depth), make(depth)
        return f"{first} {op} {second}"

    def _tested(self, depth):
        kind = self.one(["number", "number", "text", "like"])
        if kind == "like":
            pattern = self.one(["a%", "%b", "_", "%", "", "x!%_", "%\\%", "A", "É", "a_b", "%A%"])
            form = self.one(["{} LIKE '{}'", "{} NOT LIKE '{}'", "{} ILIKE '{}'",
                             "{} LIKE '{}' ESCAPE '!'"])  # fmt: skip
            return form.format(self.text(depth), pattern)
        make = getattr(self, kind)
        form = self.one(["{} BETWEEN {} AND {}", "{} NOT BETWEEN {} AND {}", "{} IN ({}, {})",
                         "{} NOT IN ({}, {}, NULL)", "{} IS NULL", "{} IN ({}, {}, {}, {})"])  # fmt: skip
        return form.format(*(make(depth) for _ in range(form.count("{}"))))

    def _chosen(self, depth):
        return (
            f"CASE WHEN {self.condition(depth)} THEN {self.condition(depth)}"
            f" ELSE {self.condition(depth)} END"
        )

    def number(self, depth):
        if depth <= 0 or self._rng.random() < 0.4:
            return self.one(["i", "j", "w", "u", "x", "f", "h", "e", "k", "st.i", "st.x", "0", "1",
                             "-1", "2", "7", "0.5", "-2.5", "1e3", "2.0", "9223372036854775807",
                             "9007199254740993", "18446744073709551615"])  # fmt: skip
        form = self.one(["({} + {})", "({} - {})", "({} * {})", "({} / {})", "({} % {})", "(-{})",
                         "abs({})", "ceil({})", "floor({})", "round({})", "coalesce({}, {})",
                         "nullif({}, {})", "CAST({} AS DOUBLE)", "CAST({} AS BIGINT)"])  # fmt: skip
        if self._rng.random() < 0.2:
            made = self.one(["length({0})", "instr({0}, 'a')", "CASE WHEN {1} THEN {2} ELSE {3} END"])
            return made.format(self.text(depth - 1), self.condition(depth - 1),
                               self.number(depth - 1), self.number(depth - 1))  # fmt: skip
        return form.format(*(self.number(depth - 1) for _ in range(form.count("{}"))))

    def text(self, depth):
        if depth <= 0 or self._rng.random() < 0.5:
            return self.one(["s", "t", "v", "st.s", "'a'", "'A'", "''", "'ab'", "'x%z'", "'é'"])
        form = self.one(["lower({})", "upper({})", "trim({})", "ltrim({})", "rtrim({})",
                         "substr({}, 1, 1)", "replace({}, 'a', 'bb')",
                         "({} || {})", "coalesce({}, {})", "nullif({}, {})",
                         "trim({}, 'a')"])  # fmt: skip
        return form.format(*(self.text(depth - 1) for _ in range(form.count("{}"))))

    def time(self, depth):
        return self.one([
            ("d", "date '2024-02-28'"), ("d", "'2024-02-28'"), ("ts", "'2024-02-28 12:00:00.5'"),
            ("ts", "timestamp '2024-02-28 12:00:00'"), ("ts", "date '2024-02-28'"), ("d", "ts"),
            ("ts", "tz"), ("tz", "'2024-02-28T12:00:00Z'"), ("tz", "'2024-02-27 13:00:00.0001'"),
            ("tz", "'2024-02-28T13:00:00+01:00'"), ("c", "'01:02:03'"), ("c", "time '23:59:00'"),
            ("d", "'2024-02-28 00:00:01'"), ("date '2024-02-29'", "d"), ("d", "d"), ("ts", "ts"),
            ("ts", "'1969-12-31 23:59:59.0000015'"),
        ])  # fmt: skip

    def binary(self, depth):
        return self.one(["n", "n", "'a'"])
