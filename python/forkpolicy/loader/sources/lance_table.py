# SPDX-License-Identifier: Apache-2.0
"""A version of a table that LanceDB has opened in this process."""

import os

import numpy
import pyarrow
import pyarrow.types as types

SCANNED = 1 << 13  # rows of a scan's batch


def _is_narrow(kind):
    kind = kind.storage_type if isinstance(kind, pyarrow.ExtensionType) else kind
    return not types.is_nested(kind) and "binary" not in str(kind)


class OpenTable:
    """version: None is the last one. The calls of a Reader."""

    def __init__(self, uri, version=None, options=None):
        import lancedb

        folder, name = os.path.split(uri.rstrip("/"))
        self._table = lancedb.connect(folder, storage_options=options or None).open_table(
            name[: -len(".lance")] if name.endswith(".lance") else name
        )
        self.version = self._table.version if version is None else version
        self._table.checkout(self.version)
        self.schema = self._table.schema

    def count_rows(self):
        return self._table.count_rows()

    def has_nulls(self, name):
        """Lists and binary would be read as a whole for that: of these it is assumed that they have
        none, and a null is an error when it is met."""
        if not _is_narrow(self.schema.field(name).type):
            return False
        quoted = name.replace("`", "``")
        return self._table.count_rows(f"`{quoted}` IS NULL") > 0

    def take(self, rows, columns):
        """LanceDB gives rows in ascending order, each once."""
        rows = numpy.asarray(rows).astype(numpy.int64)
        if not len(rows):
            fields = [self.schema.field(name) for name in columns]
            return pyarrow.RecordBatch.from_pylist([], pyarrow.schema(fields))
        ascending, places = numpy.unique(rows, return_inverse=True)
        names = list(dict.fromkeys(columns))
        found = self._table.take_offsets(ascending.tolist()).select(names).to_arrow()
        found = found.select(columns).combine_chunks().take(pyarrow.array(places))
        return found.to_batches()[0]

    def scan(self, columns):
        """Pairs (number of the first row, RecordBatch) of all rows."""
        first = 0
        names = list(columns) or self.schema.names[:1]
        for batch in self._table.search().select(names).to_batches(SCANNED):
            yield first, batch.select(names)
            first += batch.num_rows
