# SPDX-License-Identifier: Apache-2.0
"""Mixtures: several sources in one order, in exact proportions, by a schedule without state."""

import math
from fractions import Fraction

import numpy

from ._check import whole
from ._words import key
from .joined import JoinedTable
from .order import Shuffle
from .rows import Rows

CYCLE = 1024


class MixedRows(Rows):
    """Units of several sources; those of a source are its rows, in its own order.

    parts: the rows of the sources; bases: the number of the first row of each in the joined table;
    quotas: how many of CYCLE units are each source's; count: the units of an epoch.

    The order of cycle c is that of perm v1, its seed being key("mixture", seed, epoch) and its
    epoch c, over the quotas one after the other. The last cycle of an epoch may be short, with
    quotas of its own. So an epoch has the same number of units of a source each time. In an epoch,
    the j-th unit of a source is its row j mod n of its own epoch e + j / n, n being its rows. e is
    the next epoch that no mixture's epoch before has used.
    """

    def __init__(self, parts, bases, quotas, count, seed, epoch=0):
        self._arguments = parts, bases, quotas, count, seed, epoch
        self._key = key("mixture", seed, epoch)
        self._sources = [
            _Source(part, base, epoch * max(1, -(-units // len(part))))
            for part, base, units in zip(parts, bases, units_in(quotas, count).tolist())
        ]

    def __reduce__(self):
        return MixedRows, self._arguments

    def __len__(self):
        return self._arguments[3]

    def read(self, first, count):
        return self.at(numpy.arange(first, first + count, dtype=numpy.int64))

    def at(self, positions):
        sources, units = self.units_at(positions)
        found = numpy.empty(len(positions), numpy.uint64)
        for number, source in enumerate(self._sources):
            here = numpy.flatnonzero(sources == number)
            if len(here):
                found[here] = source.at(units[here])
        return found

    def units_at(self, positions):
        """Which source each position is of, and which of its units: two int64 arrays."""
        quotas = self._arguments[2]
        cycles, slots = numpy.divmod(positions, CYCLE)
        sources, units = numpy.empty_like(slots), numpy.empty_like(slots)
        for cycle in numpy.unique(cycles).tolist():
            here = cycles == cycle
            kinds, ranks = self._cycle(cycle)
            sources[here] = kinds[slots[here]]
            units[here] = ranks[slots[here]] + cycle * quotas[sources[here]]
        return sources, units

    def _cycle(self, number):
        """The source of each unit of a cycle, and how many of its units come before it there."""
        _, _, quotas, count, _, _ = self._arguments
        size = min(CYCLE, count - number * CYCLE)
        quotas = quotas if size == CYCLE else short_quotas(quotas)[size]
        order = Shuffle(size, self._key, number, 1).read(0, size).astype(numpy.int64)
        kinds = numpy.repeat(numpy.arange(len(quotas)), quotas)[order]
        ranks = numpy.empty(size, numpy.int64)
        ranks[numpy.argsort(kinds, kind="stable")] = numpy.concatenate(
            [numpy.arange(quota) for quota in quotas]
        )
        return kinds, ranks

    def with_epoch(self, epoch):
        *others, _ = self._arguments
        return MixedRows(*others, epoch)


class _Source:
    """The rows of a source, epoch after epoch from the first one on, at a place in the table."""

    def __init__(self, rows, base, first):
        self._rows = rows
        self._base = numpy.uint64(base)
        self._first = first
        self._kept = None, None  # the last epoch: its number and rows

    def _epoch(self, number):
        kept, rows = self._kept
        if kept != number:
            rows = self._rows.with_epoch(self._first + number)
            self._kept = number, rows
        return rows

    def at(self, units):
        found = numpy.empty(len(units), numpy.uint64)
        epochs, places = numpy.divmod(units, len(self._rows))
        for epoch in numpy.unique(epochs).tolist():
            here = epochs == epoch
            found[here] = self._epoch(epoch).at(places[here])
        return found + self._base


def quotas_of(weights):
    """How many of CYCLE units each source has: an int64 array. weights: {name: number}.

    By largest remainder, of two equal ones the first. Raises ValueError for a weight that is not
    finite and above 0, and for one too small for a single unit, naming the source.
    """
    for name, weight in weights.items():
        if isinstance(weight, str) or not (weight > 0 and math.isfinite(weight)):
            raise ValueError(f"the weight of `{name}` must be a number above 0, not {weight!r}")
    exact = [
        Fraction(weight if isinstance(weight, (int, Fraction)) else float(weight))
        for weight in weights.values()
    ]
    shares = [weight * CYCLE / sum(exact) for weight in exact]
    quotas = [math.floor(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda k: quotas[k] - shares[k])
    for k in by_remainder[: CYCLE - sum(quotas)]:
        quotas[k] += 1
    for name, quota in zip(weights, quotas):
        if not quota:
            raise ValueError(f"the weight of `{name}` gives it none of {CYCLE} units")
    return numpy.array(quotas, numpy.int64)


def short_quotas(quotas):
    """Those of cycles of 0, 1, ... CYCLE units, by largest remainder: (CYCLE + 1, sources)."""
    shares = numpy.arange(CYCLE + 1)[:, None] * quotas
    found = shares // CYCLE
    missing = numpy.arange(CYCLE + 1) - found.sum(axis=1)
    places = numpy.argsort(-(shares % CYCLE), axis=1, kind="stable")
    more = numpy.arange(len(quotas)) < missing[:, None]
    numpy.put_along_axis(found, places, numpy.take_along_axis(found, places, 1) + more, 1)
    return found


def units_in(quotas, count):
    """How many of the first `count` units each source has."""
    return quotas * (count // CYCLE) + short_quotas(quotas)[count % CYCLE]


def count_until(stop, quotas, rows):
    """The units of an epoch; rows: how many each source has. Permutation.mixture says of stop."""
    if stop == "first":
        cycles = int((rows // quotas).min())
        fits = (short_quotas(quotas) <= rows - cycles * quotas).all(axis=1)
        return cycles * CYCLE + int(numpy.flatnonzero(fits)[-1])
    if stop == "all":
        cycles = int(((rows - 1) // quotas).max())
        fits = (short_quotas(quotas) >= rows - cycles * quotas).all(axis=1)
        return cycles * CYCLE + int(numpy.flatnonzero(fits)[0])
    if isinstance(stop, str):
        raise ValueError(f'stop must be "first", "all" or a number of rows, not {stop!r}')
    return whole("stop", stop, 1, 1 << 62)


def mix(sources, seed, stop):
    """(JoinedTable, MixedRows) of {name: (columns, rows, weight)}."""
    for name, (_, rows, _) in sources.items():
        if not len(rows):
            raise ValueError(f"source `{name}` has no rows")
    quotas = quotas_of({name: weight for name, (_, _, weight) in sources.items()})
    parts = [rows for _, rows, _ in sources.values()]
    count = count_until(stop, quotas, numpy.array([len(part) for part in parts], numpy.int64))
    table = JoinedTable({name: columns for name, (columns, _, _) in sources.items()})
    return table, MixedRows(parts, table.bases, quotas, count, seed)
