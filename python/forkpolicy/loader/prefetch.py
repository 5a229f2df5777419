# SPDX-License-Identifier: Apache-2.0
"""Takes done ahead by threads of the library, in processes that may fork."""

import ctypes

import pyarrow

from ._library import ArrowArray, Handle, PrefetchCounts, call, library


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
        numbers, address = (ctypes.c_int * max(1, len(columns)))(*columns), rows.ctypes.data
        queue, count = self._handle.pointer, len(columns)
        call("prefetch_submit", queue, table.handle, address, len(rows), numbers, count)

    def next(self, schema):
        """The oldest that was asked for: a RecordBatch of this schema, or the error of its take."""
        array = ArrowArray()
        call("prefetch_next", self._handle.pointer, array, None)
        return pyarrow.RecordBatch._import_from_c(ctypes.addressof(array), schema)

    def counts(self):
        """A dict of counters, forkloader.h's forkloader_prefetch_counts."""
        counts = PrefetchCounts()
        library.forkloader_prefetch_count(self._handle.pointer, counts)
        return counts.read()
