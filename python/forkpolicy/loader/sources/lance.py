# SPDX-License-Identifier: Apache-2.0
"""LanceDB's tables, read where they are by LanceDB itself: its own take, in whoever reads."""

import os

import numpy
import pyarrow

SCANNED = 1 << 13  # rows of a scan's batch


class LanceSource:
    """A version of a table on disk or in an object store.

    LanceDB keeps threads, which a forked child lacks. So each process opens the table for itself,
    and workers are spawned.
    """

    start = "spawn"

    def __init__(self, uri, version=None, options=None):
        self._uri, self._options = uri, dict(options or {})
        self._version = version
        self._table = self._owner = None
        table = self._here()
        self._version = table.version if version is None else version
        self.schema = table.schema
        self._count = table.count_rows()

    def __reduce__(self):
        return LanceSource, (self._uri, self._version, self._options)

    def _here(self):
        if self._owner != os.getpid():
            import lancedb

            folder, name = os.path.split(self._uri.rstrip("/"))
            options = self._options or None
            self._table = lancedb.connect(folder, storage_options=options).open_table(
                name[: -len(".lance")] if name.endswith(".lance") else name
            )
            if self._version is not None:
                self._table.checkout(self._version)
            self._owner = os.getpid()
        return self._table

    def count_rows(self):
        return self._count

    def fingerprint(self):
        return f"{self._uri} {self._version}"

    def has_nulls(self, name):
        quoted = name.replace("`", "``")
        return self._here().count_rows(f"`{quoted}` IS NULL") > 0

    def take(self, rows, columns):
        """LanceDB gives rows in ascending order."""
        rows = numpy.asarray(rows).astype(numpy.int64)
        ascending, places = numpy.unique(rows, return_inverse=True)
        names = list(dict.fromkeys(columns))
        if not len(rows):
            fields = [self.schema.field(name) for name in columns]
            return pyarrow.RecordBatch.from_pylist([], pyarrow.schema(fields))
        found = self._here().take_offsets(ascending.tolist()).select(names).to_arrow()
        found = found.select(columns).combine_chunks().take(pyarrow.array(places))
        return found.to_batches()[0]

    def batches(self, columns, condition=None):
        first = 0
        names = list(columns) or self.schema.names[:1]
        for batch in self._here().search().select(names).to_batches(SCANNED):
            batch = batch.select(names)
            yield first, batch
            first += batch.num_rows


def of_table(source):
    """A lancedb table that is not in memory."""
    if type(source).__module__.split(".")[0] != "lancedb" or not hasattr(source, "take_offsets"):
        return None
    uri = getattr(source, "uri", "") or ""
    if uri.startswith("memory://") or not uri:
        return None
    connection = getattr(source, "_conn", None)
    options = getattr(connection, "storage_options", None)
    return LanceSource(uri, source.version, options)
