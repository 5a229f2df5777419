# SPDX-License-Identifier: Apache-2.0
"""LanceDB's tables, read where they are by LanceDB itself: its own take, in whoever reads."""

import os
import sys
import threading
import weakref

from .lance_reader import Reader
from .lance_table import OpenTable
from .objects import told

_sources = weakref.WeakSet()
_is_lost = False  # whether LanceDB was loaded in a process from which this one was forked


class LanceSource:
    """A version of a table on disk or in an object store.

    LanceDB keeps threads, which a forked child lacks. So a forked child reads through a process of
    its own, and workers are spawned.
    """

    start = "spawn"
    rows_at_once = 4096  # a take costs as much as several thousand rows

    def __init__(self, uri, version=None, options=None):
        self._uri, self._version, self._options = uri, version, dict(options or {})
        self._begin()
        _sources.add(self)
        table = self._here()
        self._version, self.schema, self._count = table.version, table.schema, table.count_rows()

    def __reduce__(self):
        return LanceSource, (self._uri, self._version, self._options)

    def _begin(self):
        """As it is in a new process, whose lock nobody holds."""
        self._lock, self._opened = threading.Lock(), None

    def _here(self):
        """What reads in this process; opened once."""
        with self._lock:
            if self._opened is None:
                kind = Reader if _is_lost else OpenTable
                self._opened = kind(self._uri, self._version, self._options)
            return self._opened

    def forked(self):
        """In a forked child. Its copy of a table stays, since the end of one may wait for threads."""
        self._parents = self._opened
        if isinstance(self._opened, Reader):
            self._opened.forget()
        self._begin()

    def count_rows(self):
        return self._count

    def fingerprint(self):
        return f"{self._uri} {self._version}"

    def has_nulls(self, name):
        return self._here().has_nulls(name)

    def take(self, rows, columns):
        return self._here().take(rows, columns)

    def batches(self, columns, condition=None):
        return self._here().scan(columns)


def _forked():
    global _is_lost
    _is_lost = _is_lost or "lancedb" in sys.modules
    for source in list(_sources):
        source.forked()


os.register_at_fork(after_in_child=_forked)


def of_table(source):
    """A lancedb table; one in memory, which no other process can open, is copied."""
    if type(source).__module__.split(".")[0] != "lancedb" or not hasattr(source, "take_offsets"):
        return None
    uri = getattr(source, "uri", "") or ""
    if uri.startswith("memory://") or not uri:
        return _copied(source)
    connection = getattr(source, "_conn", None)
    options = getattr(connection, "storage_options", None)
    return LanceSource(uri, source.version, options)


def _copied(source):
    found = source.to_arrow()
    told("a LanceDB table in memory", found.nbytes)
    return found
