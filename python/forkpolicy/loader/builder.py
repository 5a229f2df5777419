# SPDX-License-Identifier: Apache-2.0
"""The builder of permutation tables."""

from . import conditions, splits
from ._check import clump_of, columns_of, exactly_one, names_of, seed_of, weights_of, whole
from .order import Order
from .permutation_table import PermutationTable
from .table import as_table


def permutation_builder(table):
    """A PermutationBuilder for a table: see Table for what that may be."""
    return PermutationBuilder(table)


class PermutationBuilder:
    """Says which rows are in which split, in which order; each setter returns the builder.

    The stages, whatever the order of the calls: filter, split, shuffle within each split. Without
    a split there is one, number 0; without a shuffle rows are in the table's order. Of two calls
    of one stage the last holds. A seed is an int in [0, 2**64), None: of the system's entropy;
    the same seed gives the same order on every machine and in every release ("perm v1", not
    LanceDB's order). clump_size: so many neighbouring rows stay together; None: 1.

    Wrong arguments are ValueErrors that name them, at the call where that can be known.
    """

    def __init__(self, table):
        self._table = as_table(table)
        self._filter = self._split = self._names = self._shuffle = self._path = None

    def filter(self, condition):
        """Only the rows where this condition holds: SQL (docs/sql.md), an expression of pyarrow or
        polars, or an array of truths, one for each row."""
        if not isinstance(condition, str):
            conditions.check(condition, len(self._table), self._table.schema)
        self._filter = condition
        return self

    def split_random(
        self, *, ratios=None, counts=None, fixed=None, seed=None, clump_size=None, split_names=None
    ):
        """Rows at random. Exactly one of: ratios (of all rows, each in [0, 1]), counts (of rows),
        fixed (so many splits of one size; the remainder is dropped)."""
        return self._by_sizes(
            ratios, counts, fixed, split_names, (seed_of(seed), clump_of(clump_size))
        )

    def split_sequential(self, *, ratios=None, counts=None, fixed=None, split_names=None):
        """The first rows, the next ones, and so on; arguments as for split_random."""
        return self._by_sizes(ratios, counts, fixed, split_names, None)

    def _by_sizes(self, ratios, counts, fixed, split_names, random):
        by, value = exactly_one(ratios, counts, fixed)
        self._names = names_of(split_names, value if by == "fixed" else len(value))
        self._split = splits.BySizes(by, value, random)
        return self

    def split_hash(self, columns, split_weights, *, discard_weight=0, split_names=None):
        """By a hash of the columns ("a.b": a struct's field), in proportion to the weights (ints).

        Rows equal in these columns are in the same split, whatever else the table holds ("hash
        v1", not LanceDB's). Those that fall into discard_weight are in none. LanceDB's default,
        None, is an error there.
        """
        columns = columns_of(columns)
        weights, discard = weights_of(split_weights, discard_weight)
        self._names = names_of(split_names, len(weights))
        self._split = splits.ByHash(columns, weights, discard)
        return self

    def split_group(self, columns, split_weights, *, discard_weight=0, split_names=None):
        """split_hash, under the name of its use: no group of rows is parted. Not in LanceDB."""
        return self.split_hash(
            columns, split_weights, discard_weight=discard_weight, split_names=split_names
        )

    def split_stratified(self, columns, ratios, *, seed=None, split_names=None):
        """At random, by ratios of every stratum: of the rows equal in these columns.

        The sizes are those of split_random; each split's part of a stratum is right within two
        rows. Takes some 50 bytes a row while it runs. Not in LanceDB.
        """
        columns = columns_of(columns)
        _, ratios = exactly_one(ratios, None, None)
        self._names = names_of(split_names, len(ratios))
        self._split = splits.ByStrata(columns, ratios, seed_of(seed))
        return self

    def split_kfold(self, k, *, seed=None, split_names=None):
        """k splits at random, of sizes that differ by one at most; see Permutations.fold. Not in
        LanceDB."""
        k = whole("k", k, 2)
        self._names = names_of(split_names, k)
        self._split = splits.ByFolds(k, seed_of(seed))
        return self

    def split_calculated(self, calculation, split_names=None):
        """The integer that this SQL expression gives is the number of the split; null: in none.

        LanceDB takes any value; here negative ones, others than integers, those without a name
        where there are names, and those from 2**20 on are ValueErrors of execute().
        """
        if not isinstance(calculation, str):
            raise TypeError(f"calculation must be SQL, not {type(calculation).__name__}")
        self._names = names_of(split_names)
        self._split = splits.ByValue(calculation, self._names)
        return self

    def shuffle(self, *, seed=None, clump_size=None):
        """The rows of each split in random order."""
        self._shuffle = seed_of(seed), clump_of(clump_size)
        return self

    def persist(self, path):
        """execute() writes the permutation table to this path, too, as an Arrow IPC file."""
        self._path = path
        return self

    def execute(self):
        """The PermutationTable. RuntimeError at the second call."""
        if self._table is None:
            raise RuntimeError("Builder already consumed")
        table, self._table = self._table, None
        selected = None if self._filter is None else table.filter(self._filter)
        rows = len(table) if selected is None else len(selected)
        split = self._split.arguments(table, selected, rows) if self._split else {}
        order = Order(len(table), selected=selected, shuffle=self._shuffle, **split)
        made = PermutationTable(order, self._names)
        if self._path is not None:
            made.save(self._path)
        return made
