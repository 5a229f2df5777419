# SPDX-License-Identifier: Apache-2.0
"""Takes done ahead by threads of the library, in processes that may fork."""

import ctypes

import pyarrow

from ._library import ArrowArray, ArrowSchema, Handle, PrefetchCounts, call, library, words


class Prefetch:
    """Record batches in the order in which they were asked for.

    threads: 0 leaves the work to who asks for the next one. most_bytes: no take is begun while so
    many bytes lie ready, but for the next one.
    """

    def __init__(self, threads, most_bytes):
        self._handle = Handle("prefetch")
        call("prefetch_new", self._handle.pointer, threads, most_bytes)

    def submit(self, table, rows, columns):
        """Asks for what table.take(rows, columns) gives."""
        numbers = (ctypes.c_int * max(1, len(columns)))(*columns)
        call(
            "prefetch_submit", self._handle.pointer, table.handle, words(rows), len(rows), numbers,
            len(columns),
        )  # fmt: skip

    def next(self):
        """The oldest that was asked for: a RecordBatch, or the error of its take."""
        array, schema = ArrowArray(), ArrowSchema()
        call("prefetch_next", self._handle.pointer, array, schema)
        return pyarrow.RecordBatch._import_from_c(ctypes.addressof(array), ctypes.addressof(schema))

    def counts(self):
        """A dict of counters, forkloader.h's forkloader_prefetch_counts."""
        counts = PrefetchCounts()
        library.forkloader_prefetch_count(self._handle.pointer, counts)
        return counts.read()
