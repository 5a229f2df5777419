# SPDX-License-Identifier: Apache-2.0
"""The splits of a permutation table, each a Permutation."""

import operator

from .permutation import Permutation
from .permutation_table import as_permutation_table
from .rows import JoinedRows
from .table import as_table


class Permutations:
    """The splits of a table, by name or number.

    base_table, permutation_table: as for Permutation.from_tables. ValueError for a split that is
    not there or has no rows, TypeError for what is neither a name nor a number.
    """

    def __init__(self, base_table, permutation_table):
        self._base = as_table(base_table)
        self._permutation = as_permutation_table(permutation_table)

    @property
    def split_names(self):
        """In the order of their numbers; []: there are no names."""
        return list(self._permutation.split_names)

    @property
    def split_dict(self):
        """{name: number}"""
        return {name: number for number, name in enumerate(self.split_names)}

    def get_by_name(self, name):
        if name not in self.split_dict:
            raise ValueError(f"No split named `{name}` found")
        return self.get_by_index(self.split_dict[name])

    def get_by_index(self, index):
        return Permutation.from_tables(self._base, self._permutation, operator.index(index))

    def __getitem__(self, name):
        if isinstance(name, str):
            return self.get_by_name(name)
        try:
            return self.get_by_index(name)
        except TypeError:
            raise TypeError(f"Invalid split name or index: {name}") from None

    def __len__(self):
        return len(self._permutation.splits)

    def __iter__(self):
        """The splits that have rows."""
        for number, rows in enumerate(self._permutation.splits):
            if rows:
                yield self.get_by_index(number)

    def fold(self, test):
        """(train, test): a split, by name or number, and all the others, one after the other.

        `train.shuffle(seed)` mixes them. Not in LanceDB.
        """
        tested = self[test]
        number = self.split_dict[test] if isinstance(test, str) else operator.index(test)
        others = [
            self._permutation.rows(split).of_table(len(self._base))
            for split, rows in enumerate(self._permutation.splits)
            if rows and split != number
        ]
        if not others:
            raise ValueError(f"split {number} is the only one with rows: nothing is left to train")
        return Permutation(self._base, JoinedRows(others)), tested
