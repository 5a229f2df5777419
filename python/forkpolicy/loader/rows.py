# SPDX-License-Identifier: Apache-2.0
"""Rows: sequences of row numbers, one on top of the other, that are computed when they are read.

Each has len(), read(first, count), at(positions: an int64 array) and with_epoch(epoch); read and at
give uint64 arrays. Positions are checked by who asks, once. Nothing here changes, so that threads
and forked children may share it.
"""

import numpy

from .order import Shuffle


class Rows:
    def with_epoch(self, epoch):
        return self

    def of_table(self, count):
        """Itself, where all of its rows are rows of a table of so many."""
        return self


class AllRows(Rows):
    """0, 1, 2 ..."""

    def __init__(self, count):
        self._count = count

    def __len__(self):
        return self._count

    def read(self, first, count):
        return numpy.arange(first, first + count, dtype=numpy.uint64)

    def at(self, positions):
        return positions.astype(numpy.uint64)


class ListedRows(Rows):
    """Those of a list."""

    def __init__(self, rows):
        self._rows = rows

    def __len__(self):
        return len(self._rows)

    def read(self, first, count):
        return self._rows[first : first + count]

    def at(self, positions):
        return self._rows[positions]

    def of_table(self, count):
        highest = int(self._rows.max())
        if highest >= count:
            raise ValueError(f"row_id {highest} is no row of a base table of {count} rows")
        return self


class SplitRows(Rows):
    """A split of an order."""

    def __init__(self, order, split):
        self._order = order
        self._split = split

    def __len__(self):
        return self._order.sizes[self._split]

    def read(self, first, count):
        return self._order.read(self._split, first, count)

    def at(self, positions):
        return self._order.at(self._split, positions)

    def with_epoch(self, epoch):
        return SplitRows(self._order.with_epoch(epoch), self._split)

    def of_table(self, count):
        if self._order.rows != count:
            raise ValueError(
                f"the permutation table is of a table of {self._order.rows} rows, not {count}"
            )
        return self


class Window(Rows):
    """`count` of other rows, from position `first` on."""

    def __init__(self, rows, first, count):
        self._rows = rows
        self._first = first
        self._count = count

    def __len__(self):
        return self._count

    def read(self, first, count):
        return self._rows.read(self._first + first, count)

    def at(self, positions):
        return self._rows.at(positions + self._first)

    def with_epoch(self, epoch):
        return Window(self._rows.with_epoch(epoch), self._first, self._count)


class ShuffledRows(Rows):
    """Other rows in an order of their own."""

    def __init__(self, rows, shuffle):
        self._rows = rows
        self._shuffle = shuffle

    @classmethod
    def of(cls, rows, seed, epoch, clump_size):
        return cls(rows, Shuffle(len(rows), seed, epoch, clump_size))

    def __len__(self):
        return len(self._rows)

    def read(self, first, count):
        return self._rows.at(self._shuffle.read(first, count).astype(numpy.int64))

    def at(self, positions):
        return self._rows.at(self._shuffle.at(positions).astype(numpy.int64))

    def with_epoch(self, epoch):
        return ShuffledRows(self._rows.with_epoch(epoch), self._shuffle.with_epoch(epoch))


class JoinedRows(Rows):
    """Other rows, one after the other."""

    def __init__(self, parts):
        self._parts = parts
        self._ends = numpy.cumsum([len(part) for part in parts], dtype=numpy.int64)

    def __len__(self):
        return int(self._ends[-1])

    def read(self, first, count):
        return self.at(numpy.arange(first, first + count, dtype=numpy.int64))

    def at(self, positions):
        found = numpy.empty(len(positions), numpy.uint64)
        parts = numpy.searchsorted(self._ends, positions, side="right")
        for number in numpy.unique(parts).tolist():
            here, part = parts == number, self._parts[number]
            found[here] = part.at(positions[here] - (self._ends[number] - len(part)))
        return found

    def with_epoch(self, epoch):
        return JoinedRows([part.with_epoch(epoch) for part in self._parts])


class RepeatedRows(Rows):
    """Other rows, so many times."""

    def __init__(self, rows, times):
        self._rows = rows
        self._times = times

    def __len__(self):
        return len(self._rows) * self._times

    def read(self, first, count):
        return self.at(numpy.arange(first, first + count, dtype=numpy.int64))

    def at(self, positions):
        return self._rows.at(positions % max(1, len(self._rows)))

    def with_epoch(self, epoch):
        return RepeatedRows(self._rows.with_epoch(epoch), self._times)
