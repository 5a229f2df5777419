# SPDX-License-Identifier: Apache-2.0
"""Values of an SQL expression: what they are, and how they are computed of a batch's columns."""

from fractions import Fraction

import numpy
import pyarrow
import pyarrow.compute as compute
import pyarrow.types as types

NULL, BOOL, INT, BIG, REAL, TEXT, BYTES = "NULL", "BOOL", "INT", "BIG", "REAL", "TEXT", "BYTES"
DATE, STAMP, TIME, LIST, OTHER = "DATE", "STAMP", "TIME", "LIST", "OTHER"
NUMBERS, WHEN = {BOOL, INT, BIG, REAL}, {DATE, STAMP, TIME}
INT_RANGE = range(-(1 << 63), 1 << 63)
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class NotHere(Exception):
    """An expression that this evaluator does not take, or values that it cannot compute exactly."""


class Value:
    """get(columns) is an Array, a Scalar, or, where columns gives these, an Expression.

    arrow: the Arrow type of what get gives, where that is known. is_nan: may it be NaN? literal: of
    a literal, a Python number, text, bytes or truth; of times a Fraction: seconds, of dates days.
    """

    __slots__ = "kind", "get", "arrow", "is_nan", "literal"

    def __init__(self, kind, get, arrow=None, is_nan=False, literal=None):
        self.kind, self.get, self.arrow = kind, get, arrow
        self.is_nan, self.literal = is_nan, literal

    @property
    def is_literal(self):
        return self.literal is not None

    def as_real(self, exactly=True):
        """Integers beyond 2^53 are not here where the value must be exact."""
        if self.kind == REAL or self.kind == NULL:
            return self
        if self.is_literal and self.kind in (INT, BIG):
            if exactly and int(float(self.literal)) != self.literal:
                raise NotHere("an integer that is no double")
            return real(float(self.literal))
        if self.kind not in (INT, BOOL):
            raise NotHere(f"{self.kind} as a double")
        get = self.get if self.kind == INT else self.as_int().get
        return Value(
            REAL, lambda columns: compute.cast(get(columns), pyarrow.float64(), safe=exactly)
        )

    def as_int(self):
        """In 64 bits."""
        if self.kind not in (INT, BOOL) or self.arrow == pyarrow.int64():
            return self
        get = self.get
        return Value(INT, lambda columns: compute.cast(get(columns), pyarrow.int64()), pyarrow.int64())


def constant(kind, value, arrow):
    scalar = pyarrow.scalar(value, arrow)
    return Value(kind, lambda columns: scalar, arrow, literal=value)


def nothing():
    """The literal NULL."""
    scalar = pyarrow.scalar(None, pyarrow.null())
    return Value(NULL, lambda columns: scalar, pyarrow.null())


def null_condition():
    scalar = pyarrow.scalar(None, pyarrow.bool_())
    return Value(BOOL, lambda columns: scalar, pyarrow.bool_())


def real(number):
    return constant(REAL, number, pyarrow.float64())


def integer(number):
    if number in INT_RANGE:
        return constant(INT, number, pyarrow.int64())
    if number in range(1 << 64):
        return constant(BIG, number, pyarrow.uint64())
    raise NotHere("an integer beyond 64 bits")


def text(value):
    return constant(TEXT, value, pyarrow.string())


def truth(value):
    return constant(BOOL, value, pyarrow.bool_())


def condition(get):
    return Value(BOOL, get, pyarrow.bool_())


def units_of(kind):
    """How many units of a type of dates or times are a second."""
    if types.is_date32(kind):
        return Fraction(1, 86400)
    if types.is_date64(kind):
        return Fraction(1000)
    return Fraction(PER_SECOND[kind.unit])


def moment(seconds, kind):
    """A literal date, timestamp or time: seconds since the epoch, or since midnight."""
    return Value(kind, None, literal=Fraction(seconds))


def typed(number, kind):
    """A scalar of a type that is stored as an integer."""
    try:
        stored = pyarrow.int32() if kind.bit_width == 32 else pyarrow.int64()
        if types.is_integer(kind):
            return pyarrow.scalar(number, kind)
        return pyarrow.array([number], stored).view(kind)[0]
    except (pyarrow.ArrowInvalid, OverflowError):
        raise NotHere(f"{number} is no {kind}") from None


def is_expression(*values):
    return any(isinstance(value, compute.Expression) for value in values)


def rows_only(*values):
    """For what has no Expression, or one that statistics would get wrong."""
    if is_expression(*values):
        raise NotHere("not of an Expression")


def truths_of(mask):
    """A BooleanArray without nulls as an array of bool: ten times as fast as its to_numpy()."""
    first, bits = mask.offset, mask.buffers()[1]
    if bits is None:
        return numpy.zeros(len(mask), bool)
    whole = numpy.unpackbits(
        numpy.frombuffer(bits, numpy.uint8), count=first + len(mask), bitorder="little"
    )
    return whole[first:].view(bool)


def literal_of(value, kind, what):
    """The Python value of an argument that has to be a literal."""
    if value.kind != kind or not value.is_literal:
        raise NotHere(f"{what} that is no literal")
    return value.literal
