# SPDX-License-Identifier: Apache-2.0
"""Weights: rows drawn at random, with replacement, each as often as its weight says."""

import numpy
import pyarrow
import pyarrow.types as types

from ._words import key, numbers_at
from .rows import Rows

HALF = 2.0**-53  # a float's bits: chances are multiples of it, in [0, 1)


class WeightedRows(Rows):
    """`count` draws of other rows, with replacement.

    Draw i is the row where the chance numbers_at(key("weighted", seed, epoch), i) / 2^64 of the sum
    of the weights falls. sums: float64, the weights added up, 8 bytes for each of the other rows,
    which are those of the epoch when they were weighted: only the draws change with the epoch.
    """

    def __init__(self, rows, sums, count, seed, epoch):
        self._arguments = rows, sums, count, seed, epoch
        self._key = key("weighted", seed, epoch)

    def __reduce__(self):
        return WeightedRows, self._arguments

    def __len__(self):
        return self._arguments[2]

    def read(self, first, count):
        return self.at(numpy.arange(first, first + count, dtype=numpy.int64))

    def at(self, positions):
        rows, sums = self._arguments[:2]
        chances = (numbers_at(self._key, positions) >> numpy.uint64(11)) * HALF
        found = numpy.searchsorted(sums, chances * sums[-1], side="right")
        # Rounded up, the highest chance may be the whole sum: then the last row with a weight.
        beyond = found == len(sums)
        if beyond.any():
            found[beyond] = numpy.searchsorted(sums, sums[-1])
        return rows.at(found.astype(numpy.int64))

    def with_epoch(self, epoch):
        rows, sums, count, seed, _ = self._arguments
        return WeightedRows(rows, sums, count, seed, epoch)


def sums_of(weights, count):
    """The sums of weights, one for each of `count` rows: a float64 array.

    Raises TypeError for what are no numbers; ValueError for another length, for a weight that is
    NaN, infinite or negative, naming its row, and where all are 0.
    """
    values = numpy.asarray(weights)
    if values.ndim != 1 or values.dtype.kind not in "biuf":
        kind = f"{values.ndim} dimensions of {values.dtype}"
        raise TypeError(f"weights must be numbers, one for each row, not {kind}")
    if len(values) != count:
        raise ValueError(f"weights must be as many as there are rows: {len(values)} of {count}")
    values = values.astype(numpy.float64)
    wrong = numpy.flatnonzero(~(values >= 0) | numpy.isinf(values))
    if len(wrong):
        raise ValueError(f"weights: row {wrong[0]} has {values[wrong[0]]}")
    with numpy.errstate(over="ignore"):
        sums = numpy.cumsum(values)
    if not count or sums[-1] == 0:
        raise ValueError("weights: all rows have 0")
    if numpy.isinf(sums[-1]):
        raise ValueError("weights: their sum is infinite")
    return sums


def weights_in(batches, name):
    """The numbers of a column: of record batches that have no other."""
    found, first = [numpy.empty(0)], 0
    for batch in batches:
        column = batch.column(0)
        if not (types.is_integer(column.type) or types.is_floating(column.type)):
            raise TypeError(f"weights: column `{name}` is of {column.type}, not numbers")
        if column.null_count:
            null = column.is_null().to_numpy(zero_copy_only=False).argmax()
            raise ValueError(f"weights: row {first + null} has a null in column `{name}`")
        found.append(column.cast(pyarrow.float64(), safe=False).to_numpy())
        first += len(column)
    return numpy.concatenate(found)
