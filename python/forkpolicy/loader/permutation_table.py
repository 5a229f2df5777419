# SPDX-License-Identifier: Apache-2.0
"""Permutation tables: which row is in which split, computed when they are read."""

import json
import os

import numpy
import pyarrow

from .rows import ListedRows, SplitRows
from .table import as_table

NO_ROWS = "No rows found in the permutation table for the given split"


class PermutationTable:
    """What a builder gives: rows of (row_id: uint64, split_id: uint64 not null).

    It takes no memory for its rows, unless there is a filter, or a split by values. Anything that
    takes an Arrow stream takes it. `split_names` are in the schema's metadata as a JSON list.
    """

    def __init__(self, order, split_names=None):
        self._order = order
        self._split_names = split_names

    @property
    def schema(self):
        """A pyarrow.Schema: LanceDB's."""
        return self.to_reader().schema

    @property
    def split_names(self):
        """The names, in the order of the split ids; none were given: []."""
        return list(self._split_names or [])

    @property
    def splits(self):
        """How many rows each split has."""
        return list(self._order.sizes)

    def count_rows(self):
        """Of all splits together."""
        return sum(self._order.sizes)

    __len__ = count_rows

    def rows(self, split):
        if not 0 <= split < len(self._order.sizes) or not self._order.sizes[split]:
            raise ValueError(NO_ROWS)
        return SplitRows(self._order, split)

    def to_reader(self):
        """A pyarrow.RecordBatchReader."""
        return self._order.to_reader(self._split_names)

    def to_arrow(self):
        """A pyarrow.Table: 16 bytes a row."""
        return self.to_reader().read_all()

    def __arrow_c_stream__(self, requested_schema=None):
        return self.to_reader().__arrow_c_stream__(requested_schema)

    def save(self, path):
        """Writes an Arrow IPC file, which takes the place of one at this path only when whole."""
        path = os.fspath(path)
        unfinished = f"{path}.{os.getpid()}.unfinished"
        try:
            with pyarrow.OSFile(unfinished, "wb") as sink:
                with pyarrow.ipc.new_file(sink, self.schema) as writer:
                    for batch in self.to_reader():
                        writer.write_batch(batch)
            os.replace(unfinished, path)
        except BaseException:
            if os.path.exists(unfinished):
                os.unlink(unfinished)
            raise


class _ReadTable:
    """A permutation table that came from elsewhere: from a file, or LanceDB's."""

    def __init__(self, source):
        table = as_table(source)
        for name in ("row_id", "split_id"):
            if name not in table.schema.names:
                raise ValueError(f"Permutation table must contain a column named {name}")
            if not pyarrow.types.is_integer(table.schema.field(name).type):
                kind = table.schema.field(name).type
                raise ValueError(f"column {name} of a permutation table is of {kind}, not integers")
        metadata = table.schema.metadata or {}
        self.split_names = json.loads(metadata.get(b"split_names", b"[]"))
        self._arrow = pyarrow.RecordBatchReader.from_stream(table).read_all()

    @property
    def splits(self):
        ids, counts = numpy.unique(self._column("split_id"), return_counts=True)
        found = [0] * (int(ids[-1]) + 1 if len(ids) else 0)
        for split, count in zip(ids.tolist(), counts.tolist()):
            if split >= 0:
                found[split] = count
        return found

    def _column(self, name):
        column = self._arrow.column(name)
        if column.null_count:
            raise ValueError(f"column {name} of a permutation table has {column.null_count} nulls")
        return column.to_numpy()

    def rows(self, split):
        found = self._column("row_id")[self._column("split_id") == split].astype(numpy.uint64)
        if not len(found):
            raise ValueError(NO_ROWS)
        return ListedRows(found)


def as_permutation_table(source):
    return source if isinstance(source, (PermutationTable, _ReadTable)) else _ReadTable(source)
