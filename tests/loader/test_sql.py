"""SQL over tables: filters and values, beside plain Python. SPDX-License-Identifier: Apache-2.0"""

import pytest
from library import LoaderError
from sql_tables import filters, table


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
