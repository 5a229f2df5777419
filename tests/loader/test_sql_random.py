"""Random expressions, and what they are in plain Python. SPDX-License-Identifier: Apache-2.0"""

import math
import random

import pyarrow
import pyarrow.compute
import pytest
from sql_library import SqlTable
from sql_tables import NAN, table


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
