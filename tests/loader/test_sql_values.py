"""SQL over tables: what expressions are, and what is refused. SPDX-License-Identifier: Apache-2.0"""

import random

import pyarrow
import pytest
from library import LoaderError
from sql_library import SqlTable
from sql_tables import NAN, TABLE, table


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
