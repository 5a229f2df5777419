# SPDX-License-Identifier: Apache-2.0
"""Locality: shuffles that read near rows near in time, and how well they mix."""

import numpy

from ._check import whole
from ._words import key, numbers_at
from .order import Shuffle
from .rows import ShuffledRows


class WindowShuffle:
    """An order of [0, count) that moves nothing out of its window: what Shuffle is, of windows.

    Window w is the positions from w * window on, the last may be short. In it they are in the order
    perm v1 of the seed key("windows", seed, epoch) and the epoch w. Memory: that of one window, and
    none from 65,536 clumps a window on. Reading on is cheap; each other window that is looked into
    costs the making of its table.
    """

    def __init__(self, count, window, seed, epoch, clump_size):
        self._arguments = count, window, seed, epoch, clump_size
        self._key = key("windows", seed, epoch)
        self._kept = None, None  # the last window: a number and its Shuffle

    def __reduce__(self):
        return WindowShuffle, self._arguments

    def with_epoch(self, epoch):
        count, window, seed, _, clump_size = self._arguments
        return WindowShuffle(count, window, seed, epoch, clump_size)

    def _window(self, number):
        kept, shuffle = self._kept
        if kept != number:
            count, window, _, _, clump_size = self._arguments
            shuffle = Shuffle(min(window, count - number * window), self._key, number, clump_size)
            self._kept = number, shuffle
        return shuffle

    def read(self, first, count):
        """What is at positions [first, first + count), which must exist: a uint64 array."""
        window, found, end = self._arguments[1], numpy.empty(count, numpy.uint64), first + count
        place = first
        while place < end:
            number = place // window
            base, stop = number * window, min(end, (number + 1) * window)
            part = self._window(number).read(place - base, stop - place)
            found[place - first : stop - first] = part + numpy.uint64(base)
            place = stop
        return found

    def at(self, positions):
        """What is at any positions (an int64 array), which must exist."""
        window, found = self._arguments[1], numpy.empty(len(positions), numpy.uint64)
        numbers = positions // window
        order = numpy.argsort(numbers, kind="stable")
        starts = numpy.flatnonzero(numpy.diff(numbers[order])) + 1
        for here in numpy.split(order, starts) if len(order) else ():
            number = int(numbers[here[0]])
            base = number * window
            found[here] = self._window(number).at(positions[here] - base) + numpy.uint64(base)
        return found


def shuffled(rows, seed, epoch, clump_size, shard=None, window=None):
    """Other rows in random order: Permutation.shuffle says of what kind."""
    if shard is None and window is None:
        return ShuffledRows.of(rows, seed, epoch, clump_size)
    if window is None and clump_size != 1:
        raise ValueError("clump_size: without a window, shards are the clumps")
    for name, value in (("shard", shard), ("window", window)):
        if value is not None and whole(name, value, 1) % clump_size:
            raise ValueError(f"{name} must be a multiple of clump_size {clump_size}, not {value}")
    if shard is not None:
        rows = ShuffledRows.of(rows, seed, epoch, shard)
    if window is None:
        return rows
    return ShuffledRows(rows, WindowShuffle(len(rows), window, seed, epoch, clump_size))


def mixing(permutation, samples=10_000):
    """How far neighbours are from each other in the table, as a part of what a full shuffle gives.

    About 1 after a full shuffle, about 0 in the table's order. It is the mean distance of the rows
    at two positions one after the other, divided by that of any two rows; of all positions, or of
    so many samples, which are the same at each call (of 10,000, the result is right within some
    3 %). ValueError where there are not two rows.
    """
    count = len(permutation)
    if count < 2:
        raise ValueError(f"mixing is of two rows at least, not of {count}")
    samples = whole("samples", samples, 2)
    places = numpy.arange(min(count, samples), dtype=numpy.int64)
    if samples < count:
        chance = numbers_at(key("mixing"), places)
        places = (chance % numpy.uint64(count - 1)).astype(numpy.int64)
    rows = _rows_at(permutation, places)
    if samples < count:
        steps = rows - _rows_at(permutation, places + 1)
    else:
        steps = numpy.diff(rows)
    usual = _distance(numpy.sort(rows))
    return float(numpy.abs(steps).mean() / usual) if usual else 0.0


def _rows_at(permutation, places):
    batch = permutation.select_columns(["_rowid"]).with_format("arrow").take_offsets(places)
    return batch.column(0).to_numpy().astype(numpy.float64)


def _distance(values):
    """The mean distance of two of these ascending values."""
    count = len(values)
    factors = 2.0 * numpy.arange(count) - (count - 1)
    return float(factors @ (values - values[0])) * 2 / (count * (count - 1))
