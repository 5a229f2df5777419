"""SQL and hashes of libforkloader by ctypes. SPDX-License-Identifier: Apache-2.0"""

import ctypes

import pyarrow
from library import Array, Error, Schema, Table, check, library

WORD = ctypes.c_uint64
library.forkloader_table_filter.argtypes = [
    ctypes.c_void_p,
    ctypes.c_char_p,
    ctypes.POINTER(ctypes.POINTER(WORD)),
    ctypes.POINTER(WORD),
    ctypes.POINTER(Error),
]
library.forkloader_rows_free.argtypes = [ctypes.POINTER(WORD)]
library.forkloader_rows_free.restype = None
library.forkloader_table_evaluate.argtypes = [
    ctypes.c_void_p,
    ctypes.c_char_p,
    ctypes.POINTER(Array),
    ctypes.POINTER(Schema),
    ctypes.POINTER(Error),
]
library.forkloader_table_hash.argtypes = [
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_char_p),
    ctypes.c_size_t,
    ctypes.POINTER(WORD),
    ctypes.POINTER(Error),
]
library.forkloader_hash_split.argtypes = [WORD, ctypes.POINTER(WORD), ctypes.c_size_t, WORD]
library.forkloader_hash_split.restype = ctypes.c_int64
library.forkloader_hash_splits.argtypes = [
    ctypes.POINTER(WORD),
    ctypes.c_size_t,
    ctypes.POINTER(WORD),
    ctypes.c_size_t,
    WORD,
    ctypes.POINTER(ctypes.c_int32),
    ctypes.POINTER(Error),
]


def as_bytes(sql):
    return sql if isinstance(sql, bytes) else sql.encode()


class SqlTable(Table):
    def _filter(self, sql):
        rows, count, error = ctypes.POINTER(WORD)(), WORD(), Error()
        code = library.forkloader_table_filter(
            self.pointer, as_bytes(sql), ctypes.byref(rows), count, error
        )
        check(code, error)
        return rows, count.value

    def filter(self, sql):
        rows, count = self._filter(sql)
        found = rows[:count] if count else []
        library.forkloader_rows_free(rows)
        return found

    def filter_count(self, sql):
        rows, count = self._filter(sql)
        library.forkloader_rows_free(rows)
        return count

    def evaluate(self, sql):
        """A pyarrow array."""
        array, schema, error = Array(), Schema(), Error()
        check(
            library.forkloader_table_evaluate(self.pointer, as_bytes(sql), array, schema, error),
            error,
        )
        found = pyarrow.Array._import_from_c(ctypes.addressof(array), ctypes.addressof(schema))
        found.validate(full=True)
        return found

    def hash(self, *columns):
        hashes, error = (WORD * max(len(self), 1))(), Error()
        names = (ctypes.c_char_p * max(len(columns), 1))(*(name.encode() for name in columns))
        check(
            library.forkloader_table_hash(self.pointer, names, len(columns), hashes, error), error
        )
        return hashes[: len(self)]


def hash_of(values, *columns):
    """The hashes of an array, or of columns of a pyarrow table."""
    source = values
    if not isinstance(source, pyarrow.Table):
        source = pyarrow.table({"v": values})
    with SqlTable(source) as table:
        return table.hash(*(columns or source.column_names))


def split(value, weights, discard=0):
    return library.forkloader_hash_split(
        value, (WORD * max(len(weights), 1))(*weights), len(weights), discard
    )


def splits(hashes, weights, discard=0):
    found, error = (ctypes.c_int32 * max(len(hashes), 1))(), Error()
    check(
        library.forkloader_hash_splits(
            (WORD * max(len(hashes), 1))(*hashes),
            len(hashes),
            (WORD * max(len(weights), 1))(*weights),
            len(weights),
            discard,
            found,
            error,
        ),
        error,
    )
    return found[: len(hashes)]
