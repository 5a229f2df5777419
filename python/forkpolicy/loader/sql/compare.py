# SPDX-License-Identifier: Apache-2.0
"""Comparisons: exact between integers and floats, NaN equal to itself and above all numbers."""

import math
from fractions import Fraction

import pyarrow
import pyarrow.compute as compute

from . import times
from .values import BIG, BOOL, BYTES, DATE, INT, LIST, NULL, NUMBERS, OTHER, REAL, STAMP, TEXT
from .values import TIME, WHEN, NotHere, Value, condition, constant, is_expression
from .values import null_condition, rows_only, truth, typed, units_of

FLIPPED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}
PLAIN = {
    "lt": compute.less, "le": compute.less_equal, "gt": compute.greater,
    "ge": compute.greater_equal, "eq": compute.equal, "ne": compute.not_equal,
}  # fmt: skip
OPPOSITE = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "eq": "ne", "ne": "eq"}
CONSTANT = {"lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "gt": lambda a, b: a > b,
            "ge": lambda a, b: a >= b, "eq": lambda a, b: a == b, "ne": lambda a, b: a != b}


def adapted(values):
    """Text literals among dates, times and binary are what they are compared with."""
    kinds = {value.kind for value in values if not (value.kind == TEXT and value.is_literal)}
    if TEXT in kinds:
        return values
    texts = [value.literal for value in values if value.kind == TEXT]
    stamps = STAMP in kinds or DATE in kinds and any(times.has_clock(text) for text in texts)

    def adapt(value):
        if value.kind != TEXT:
            return value
        if kinds & WHEN:
            kind = TIME if TIME in kinds else STAMP if stamps else DATE
            return times.read(value.literal, kind)
        if BYTES in kinds:
            return constant(BYTES, value.literal.encode(), pyarrow.binary())
        return value

    return [adapt(value) for value in values]


def compare(op, a, b):
    """A condition; a comparison with NULL is NULL."""
    a, b = adapted([a, b])
    if {a.kind, b.kind} & {LIST, OTHER}:
        raise NotHere("lists and structs take IS [NOT] NULL alone")
    if NULL in (a.kind, b.kind):
        return null_condition()
    if a.is_literal and b.is_literal:
        return _of_literals(op, a, b)
    if a.is_literal:
        return compare(FLIPPED[op], b, a)
    if a.kind in WHEN and b.kind in WHEN:
        return _of_times(op, a, b)
    if a.kind in NUMBERS and b.kind in NUMBERS:
        return _of_numbers(op, a, b)
    if a.kind != b.kind:
        raise NotHere(f"{a.kind} compared with {b.kind}")
    return _plain(op, a, b)


def _of_literals(op, a, b):
    numbers = a.kind in NUMBERS and b.kind in NUMBERS
    if not numbers and a.kind != b.kind and not {a.kind, b.kind} <= {DATE, STAMP}:
        raise NotHere(f"{a.kind} compared with {b.kind}")
    return truth(CONSTANT[op](a.literal, b.literal))


def _plain(op, a, b):
    first, second = a.get, b.get
    return condition(lambda columns: PLAIN[op](first(columns), second(columns)))


def _of_times(op, a, b):
    if TIME in (a.kind, b.kind) and a.kind != b.kind:
        raise NotHere("a time compared with a date")
    if b.is_literal:
        return _with_integer(op, a, b.literal * units_of(a.arrow))
    if a.arrow == b.arrow:
        return _plain(op, a, b)
    common = max(units_of(a.arrow), units_of(b.arrow))
    return _plain(op, _in_units(a, common), _in_units(b, common))


def _in_units(value, units):
    factor, get = units / units_of(value.arrow), value.get
    if factor.denominator != 1:
        raise NotHere("units that are no multiples")
    width = pyarrow.int32() if value.arrow.bit_width == 32 else pyarrow.int64()

    def scaled(columns):
        found = get(columns)
        rows_only(found)
        return compute.multiply_checked(found.view(width).cast(pyarrow.int64()), int(factor))

    return Value(INT, scaled, pyarrow.int64())


def _of_numbers(op, a, b):
    if REAL in (a.kind, b.kind) and not (b.is_literal and a.kind in (INT, BIG, BOOL)):
        return _of_reals(op, a.as_real(), b.as_real())
    if b.is_literal:
        a = a.as_int() if a.kind == BOOL and b.kind != BOOL else a
        if a.kind == BOOL:
            return _plain(op, a, b)
        if not math.isfinite(b.literal):
            raise NotHere("infinity")
        return _with_integer(op, a, Fraction(b.literal))
    if BIG in (a.kind, b.kind) and a.kind != b.kind:
        raise NotHere("uint64 compared with signed integers")
    if a.kind != b.kind:
        a, b = a.as_int(), b.as_int()
    return _plain(op, a, b)


def _with_integer(op, a, number):
    """Of a column of integers, or what is stored as such, and any exact number."""
    get = a.get
    if number.denominator == 1:
        scalar = _scalar(int(number), a.arrow)
        return condition(lambda columns: PLAIN[op](get(columns), scalar))
    if op in ("eq", "ne"):
        return condition(lambda columns: _where_valid(get(columns), op == "ne"))
    below = op in ("lt", "le")
    scalar = _scalar(math.floor(number) if below else math.ceil(number), a.arrow)
    return condition(lambda columns: PLAIN["le" if below else "ge"](get(columns), scalar))


def _scalar(number, kind):
    if kind is None:
        kind = pyarrow.int64()
    if pyarrow.types.is_integer(kind) and kind.bit_width < 64:
        try:
            return pyarrow.scalar(number, kind)
        except (OverflowError, pyarrow.ArrowInvalid):
            return typed(number, pyarrow.int64())
    return typed(number, kind)


def _where_valid(found, value):
    rows_only(found)
    return _known(found, value)


def _of_reals(op, a, b):
    if op in ("gt", "ge"):
        op, a, b = FLIPPED[op], b, a
    first, second = a.get, b.get
    odd = a.is_nan, b.is_nan

    def get(columns):
        x, y = first(columns), second(columns)
        if odd[1] or op == "ne" and odd[0]:
            rows_only(x, y)  # statistics know of no NaN
        return _ieee_and_nan(op, x, y, *odd)

    return condition(get)


def _ieee_and_nan(op, x, y, x_odd, y_odd):
    """Of lt, le, eq and ne, where only what is odd may be NaN."""
    if op == "lt" and y_odd:
        if not x_odd:
            return compute.invert(compute.greater_equal(x, y))
        only_y = compute.and_(compute.is_nan(y), compute.invert(compute.is_nan(x)))
        return compute.or_(compute.less(x, y), only_y)
    if op == "le" and y_odd:
        if not x_odd:
            return compute.invert(compute.greater(x, y))
        return compute.or_(compute.less_equal(x, y), compute.is_nan(y))
    if op in ("eq", "ne") and x_odd and y_odd:
        same = compute.or_(
            compute.equal(x, y), compute.and_(compute.is_nan(x), compute.is_nan(y))
        )
        return same if op == "eq" else compute.invert(same)
    return PLAIN[op](x, y)


def is_distinct(a, b):
    """IS DISTINCT FROM: NULL is a value like others."""
    if NULL in (a.kind, b.kind):
        other = b if a.kind == NULL else a
        if other.kind == NULL:
            return truth(False)
        if other.is_literal:
            return truth(True)
        return condition(lambda columns: compute.is_valid(other.get(columns)))
    differs = compare("ne", a, b)
    if differs.is_literal:
        return differs

    def get(columns):
        found = differs.get(columns)
        rows_only(found)
        one = [compute.is_null(value.get(columns)) for value in (a, b) if value.get is not None]
        one = one if len(one) == 2 else [*one, pyarrow.scalar(False)]
        return compute.coalesce(found, compute.xor(*one))

    return condition(get)


def is_in(value, options):
    """value IN (options)"""
    value, *options = adapted([value, *options])
    literals = [option for option in options if option.kind != NULL]
    has_null = len(literals) < len(options)
    if value.kind != TEXT or not all(option.kind == TEXT and option.is_literal for option in literals):
        return _any_equal(value, options)
    if len(literals) < 2:
        return _any_equal(value, options)
    wanted = pyarrow.array([option.literal for option in literals], value.arrow or pyarrow.string())

    def get(columns):
        found = value.get(columns)
        is_one = compute.is_in(found, wanted)
        if has_null:
            rows_only(found)
            return compute.if_else(is_one, True, pyarrow.scalar(None, pyarrow.bool_()))
        # As an Expression, whose rows are read anyway, false is as good as NULL.
        if is_expression(found) or not getattr(found, "null_count", 1):
            return is_one
        return _known(found, is_one)

    return condition(get)


def _known(found, is_one):
    return compute.if_else(compute.is_valid(found), is_one, pyarrow.scalar(None, pyarrow.bool_()))


def _any_equal(value, options):
    found = [compare("eq", value, option) for option in options]
    getters = [one.get for one in found]

    def get(columns):
        made = getters[0](columns)
        for other in getters[1:]:
            made = compute.or_kleene(made, other(columns))
        return made

    return condition(get)
