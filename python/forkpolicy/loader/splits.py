# SPDX-License-Identifier: Apache-2.0
"""Ways to split: each makes, of a table and the rows that a filter left, arguments of an Order."""

import numpy
import pyarrow
import pyarrow.types as types

from .order import Shuffle, split_sizes
from .table import hash_splits

MOST_SPLITS = 1 << 20  # of a calculated split: a row's own id by mistake would ask for any memory


def _chosen(values, selected):
    return values if selected is None else values[selected.astype(numpy.int64)]


class BySizes:
    """Consecutive splits, of the rows as they come or, with `random`, at random."""

    def __init__(self, by, value, random=None):
        self._by = by
        self._value = value
        self._random = random

    def arguments(self, table, selected, rows):
        return {"sizes": split_sizes(self._by, self._value, rows), "random": self._random}


class ByFolds:
    """k splits at random, whose sizes differ by one at most."""

    def __init__(self, k, seed):
        self._k = k
        self._seed = seed

    def arguments(self, table, selected, rows):
        if rows < self._k:
            raise ValueError(f"k: {self._k} folds of {rows} rows")
        sizes = [rows // self._k + (fold < rows % self._k) for fold in range(self._k)]
        return {"sizes": numpy.array(sizes, numpy.uint64), "random": (self._seed, 1)}


class ByHash:
    def __init__(self, columns, weights, discard):
        self._columns = columns
        self._weights = weights
        self._discard = discard

    def arguments(self, table, selected, rows):
        hashes = _chosen(table.hashes(self._columns), selected)
        split_of = hash_splits(hashes, self._weights, self._discard)
        return {"split_of": split_of, "split_count": len(self._weights)}


class ByStrata:
    """Each split has its ratio of every stratum, as well as whole rows allow.

    Along the rows in the order of (stratum, chance), the rows of a split of size s are one in each
    1 / s of the way: so the sizes are exact, and each stratum's share is right within two rows.
    """

    def __init__(self, columns, ratios, seed):
        self._columns = columns
        self._ratios = ratios
        self._seed = seed

    def arguments(self, table, selected, rows):
        sizes = split_sizes("ratios", self._ratios, rows).astype(numpy.int64)
        chance = Shuffle(rows, self._seed, 0, 1).read(0, rows).astype(numpy.int64)
        strata = _chosen(table.hashes(self._columns), selected)[chance]
        places = chance[numpy.argsort(strata, kind="stable")]
        shares = numpy.append(sizes, rows - sizes.sum())
        splits = numpy.append(numpy.arange(len(sizes)), -1)
        way = numpy.concatenate([(numpy.arange(n) + 0.5) / max(1, n) for n in shares])
        split_of = numpy.empty(rows, numpy.int32)
        split_of[places] = numpy.repeat(splits, shares)[numpy.argsort(way, kind="stable")]
        return {"split_of": split_of, "split_count": len(sizes)}


class ByValue:
    """The value of an expression is the number of the split; null: none."""

    def __init__(self, sql, names):
        self._sql = sql
        self._names = names

    def arguments(self, table, selected, rows):
        found = table.evaluate(self._sql)
        if not (types.is_integer(found.type) or types.is_boolean(found.type)):
            raise ValueError(f"calculation `{self._sql}` gives {found.type}, not integers")
        if types.is_boolean(found.type):
            found = found.cast(pyarrow.uint8())
        nulls = numpy.asarray(found.is_null().to_numpy(zero_copy_only=False), dtype=bool)
        values = _chosen(found.fill_null(0).to_numpy(zero_copy_only=False), selected)
        count = MOST_SPLITS if self._names is None else len(self._names)
        self._check(values, count)
        if self._names is None:
            count = int(values.max()) + 1 if len(values) else 1
        split_of = values.astype(numpy.int32)
        split_of[_chosen(nulls, selected)] = -1
        return {"split_of": split_of, "split_count": count}

    def _check(self, values, count):
        wrong = numpy.flatnonzero((values < 0) | (values >= count))
        if not len(wrong):
            return
        said = f"calculation `{self._sql}` gives split {values[wrong[0]]}"
        if self._names is not None and values[wrong[0]] >= count:
            raise ValueError(f"{said}, split_names has {count}")
        raise ValueError(f"{said}: splits are numbered from 0 to {MOST_SPLITS - 1}")
