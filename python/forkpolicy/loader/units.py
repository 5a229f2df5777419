# SPDX-License-Identifier: Apache-2.0
"""Units: what a batch is made of, by position in an epoch. Rows, or blocks of packed sequences.

Each has len() and with_epoch(epoch); request(share) for the positions of a share, and then, in this
process or another one, take(request) -> what was taken, make(request, taken) -> (the batch, how
many rows were left out). A share is a list of (first, count). What is taken of rows can be done
ahead, and put into shared memory, by the library.
"""

import numpy

from .formats import FORMATS, TENSORS
from .transform import apply


class Formatted:
    """A format as a function of a RecordBatch."""

    def __init__(self, name, columns):
        self._name = name
        self.rows_first = name != "torch_col"
        self._columns = columns

    def __call__(self, batch):
        fields = self._columns.fields() if self._name in TENSORS else None
        return FORMATS[self._name](batch, fields)


class RowUnits:
    """The rows of a permutation; its format and maps, and then `functions`, make the batch."""

    unit = "row"

    def __init__(self, rows, columns, transform):
        self._rows = rows
        self.columns = columns
        self._transform = transform

    def __len__(self):
        return len(self._rows)

    def with_epoch(self, epoch):
        return RowUnits(self._rows.with_epoch(epoch), self.columns, self._transform)

    @property
    def ships_rows(self):
        """Do workers give what is taken, or what is made of it?"""
        return self._transform.is_plain and bool(self.columns.numbers())

    def request(self, share):
        """The row ids: a uint64 array."""
        parts = [self._rows.read(first, count) for first, count in share]
        return parts[0] if len(parts) == 1 else numpy.concatenate(parts or [numpy.empty(0, "u8")])

    def take(self, row_ids):
        return self.columns.take_numbers(row_ids)

    def make(self, row_ids, taken):
        return self._transform.make(self.columns.assemble(row_ids, taken))


class BlockUnits:
    """Packed blocks; a batch is a dict of arrays, or of tensors."""

    unit = "block"
    ships_rows = False
    columns = None

    def __init__(self, blocks, as_tensors, functions):
        self._blocks = blocks
        self._as_tensors = as_tensors
        self._functions = functions

    def __len__(self):
        return len(self._blocks)

    def with_epoch(self, epoch):
        return BlockUnits(self._blocks.with_epoch(epoch), self._as_tensors, self._functions)

    def request(self, share):
        parts = [numpy.arange(first, first + count) for first, count in share]
        return numpy.concatenate(parts or [numpy.empty(0, numpy.int64)])

    def take(self, positions):
        return self._blocks.batch(positions)

    def make(self, positions, taken):
        if self._as_tensors:
            import torch

            taken = {name: torch.from_numpy(array) for name, array in taken.items()}
        return apply(self._functions, taken), 0
