# SPDX-License-Identifier: Apache-2.0
"""Arithmetic: whole numbers stay whole, a division by zero and what has no result are NULL.

A result beyond 64 bits is an ArrowInvalid, with which the whole expression is not here.
"""

import math

import numpy
import pyarrow
import pyarrow.compute as compute

from .values import BOOL, INT, NULL, REAL, NotHere, Value, integer, is_expression, nothing, real
from .values import rows_only

WHOLE = {
    "+": compute.add_checked, "-": compute.subtract_checked, "*": compute.multiply_checked,
}  # fmt: skip
BROKEN = {"+": compute.add, "-": compute.subtract, "*": compute.multiply}
OF_PYTHON = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}


def arithmetic(op, a, b):
    for value in (a, b):
        if value.kind not in (INT, REAL, NULL):
            raise NotHere(f"arithmetic with {value.kind}")
    if NULL in (a.kind, b.kind):
        return nothing()
    if a.is_literal and b.is_literal and op in OF_PYTHON:
        found = OF_PYTHON[op](a.literal, b.literal)
        return real(found) if REAL in (a.kind, b.kind) else integer(found)
    if REAL in (a.kind, b.kind):
        return _of_reals(op, a.as_real(exactly=False), b.as_real(exactly=False))
    a, b = a.as_int(), b.as_int()
    first, second, whole = a.get, b.get, _divided if op == "/" else _remainder
    if op in WHOLE:
        return Value(
            INT, lambda columns: WHOLE[op](first(columns), second(columns)), pyarrow.int64()
        )
    divisor = b.literal
    return Value(
        INT, lambda columns: whole(first(columns), second(columns), divisor), pyarrow.int64()
    )


def _of_reals(op, a, b):
    first, second, divisor = a.get, b.get, b.literal

    def get(columns):
        x, y = first(columns), second(columns)
        rows_only(x, y)
        if op in BROKEN:
            return without_nan(BROKEN[op](x, y))
        y = y if divisor else _null_where_zero(y, pyarrow.float64())
        return without_nan(compute.divide(x, y) if op == "/" else _fmod(x, y))

    return Value(REAL, get, pyarrow.float64())


def _fmod(x, y):
    x, y = _broadcast(x, y)
    values = [part.to_numpy(zero_copy_only=False) for part in (x, y)]
    with numpy.errstate(invalid="ignore"):
        found = pyarrow.array(numpy.fmod(*values))
    valid = compute.and_(compute.is_valid(x), compute.is_valid(y))
    return compute.if_else(valid, found, pyarrow.scalar(None, pyarrow.float64()))


def _broadcast(x, y):
    if isinstance(x, pyarrow.Scalar) and isinstance(y, pyarrow.Scalar):
        raise NotHere("a remainder of literals")
    if isinstance(x, pyarrow.Scalar):
        x = pyarrow.repeat(x, len(y))
    if isinstance(y, pyarrow.Scalar):
        y = pyarrow.repeat(y, len(x))
    return x, y


def without_nan(found):
    """NULL where it is NaN: mostly nowhere, which is seen in one pass."""
    if isinstance(found, pyarrow.Scalar):
        is_nan = found.is_valid and math.isnan(found.as_py())
        return pyarrow.scalar(None, found.type) if is_nan else found
    values = numpy.frombuffer(found.buffers()[1], numpy.float64)[found.offset :][: len(found)]
    if not len(values) or not math.isnan(values.min()):  # which NaN anywhere would be
        return found
    return compute.if_else(compute.is_nan(found), pyarrow.scalar(None, found.type), found)


def _null_where_zero(y, kind):
    return compute.if_else(compute.equal(y, 0), pyarrow.scalar(None, kind), y)


def _divided(x, y, divisor):
    if not divisor:
        rows_only(x, y)
        y = _null_where_zero(y, pyarrow.int64())
    return compute.divide_checked(x, y)


def _remainder(x, y, divisor):
    """Of the sign of x."""
    if divisor and not is_expression(x) and isinstance(x, pyarrow.Array) and not x.null_count:
        return pyarrow.array(_fmod_of(x.to_numpy(), abs(divisor)))
    quotient = _divided(x, y, divisor)
    return compute.subtract_checked(x, compute.multiply_checked(quotient, y))


def _fmod_of(values, divisor):
    """By numpy, whose division by one number is a multiplication; downwards, not towards zero."""
    quotients = values // divisor
    quotients *= divisor
    numpy.subtract(values, quotients, out=quotients)
    if len(values) and values.min() < 0:
        quotients[(values < 0) & (quotients != 0)] -= divisor
    return quotients


def negated(value):
    if value.kind == NULL:
        return nothing()
    if value.kind not in (INT, REAL):
        raise NotHere(f"minus {value.kind}")
    if value.is_literal:
        return real(-value.literal) if value.kind == REAL else integer(-value.literal)
    if value.kind == INT:
        return _whole(compute.negate_checked, value)
    return of_real(compute.negate, value)


def absolute(value):
    if value.kind == INT:
        return _whole(compute.abs_checked, value)
    return of_real(compute.abs, value)


def _whole(function, value):
    get = value.as_int().get
    return Value(INT, lambda columns: function(get(columns)), pyarrow.int64())


def of_real(function, *values):
    """A function of doubles; NULL where it has no result."""
    if any(value.kind not in (INT, REAL) for value in values):
        raise NotHere("a number is needed")
    getters = [value.as_real(exactly=False).get for value in values]

    def get(columns):
        found = [getter(columns) for getter in getters]
        rows_only(*found)
        return without_nan(compute.cast(function(*found), pyarrow.float64()))

    return Value(REAL, get, pyarrow.float64())


def bitwise(function, a, b):
    if a.kind != INT or b.kind != INT:
        raise NotHere("bits of what is no integer")
    first, second = a.as_int().get, b.as_int().get
    return Value(INT, lambda columns: function(first(columns), second(columns)), pyarrow.int64())


def is_number(value):
    return value.kind in (INT, REAL, BOOL)
