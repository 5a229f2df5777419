"""libforkloader by ctypes, and its tables by pyarrow. SPDX-License-Identifier: Apache-2.0"""

import ctypes
import os
from pathlib import Path

import pyarrow

ROOT = Path(__file__).resolve().parent.parent.parent
PATH = os.environ.get("FORKLOADER_LIBRARY", str(ROOT / "build" / "libforkloader.so"))


class Schema(ctypes.Structure):
    pass


class Array(ctypes.Structure):
    pass


class Stream(ctypes.Structure):
    pass


RELEASE_SCHEMA = ctypes.CFUNCTYPE(None, ctypes.POINTER(Schema))
RELEASE_ARRAY = ctypes.CFUNCTYPE(None, ctypes.POINTER(Array))
RELEASE_STREAM = ctypes.CFUNCTYPE(None, ctypes.POINTER(Stream))
GET_SCHEMA = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Stream), ctypes.POINTER(Schema))
GET_NEXT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Stream), ctypes.POINTER(Array))
GET_LAST_ERROR = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(Stream))

Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(Schema))),
    ("dictionary", ctypes.POINTER(Schema)),
    ("release", RELEASE_SCHEMA),
    ("private_data", ctypes.c_void_p),
]
Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(Array))),
    ("dictionary", ctypes.POINTER(Array)),
    ("release", RELEASE_ARRAY),
    ("private_data", ctypes.c_void_p),
]
Stream._fields_ = [
    ("get_schema", GET_SCHEMA),
    ("get_next", GET_NEXT),
    ("get_last_error", GET_LAST_ERROR),
    ("release", RELEASE_STREAM),
    ("private_data", ctypes.c_void_p),
]


class Error(ctypes.Structure):
    _fields_ = [("message", ctypes.c_char * 512)]


library = ctypes.CDLL(PATH)
library.forkloader_table_import.argtypes = [
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.POINTER(Stream),
    ctypes.POINTER(Error),
]
library.forkloader_table_free.argtypes = [ctypes.c_void_p]
library.forkloader_table_free.restype = None
library.forkloader_table_rows.argtypes = [ctypes.c_void_p]
library.forkloader_table_rows.restype = ctypes.c_uint64
library.forkloader_table_schema.argtypes = [ctypes.c_void_p]
library.forkloader_table_schema.restype = ctypes.POINTER(Schema)
library.forkloader_table_take.argtypes = [
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.POINTER(Array),
    ctypes.POINTER(Schema),
    ctypes.POINTER(Error),
]


class LoaderError(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def check(code, error):
    if code:
        raise LoaderError(code, error.message.decode(errors="replace"))


class Table:
    """An imported stream: of a pyarrow table or reader, or one made by hand."""

    def __init__(self, source):
        self.pointer = ctypes.c_void_p()
        if isinstance(source, pyarrow.Table):
            source = source.to_reader()
        if not isinstance(source, Stream):
            stream = Stream()
            source._export_to_c(ctypes.addressof(stream))
            source = stream
        error = Error()
        check(library.forkloader_table_import(self.pointer, source, error), error)

    def __len__(self):
        return library.forkloader_table_rows(self.pointer)

    def take_structs(self, rows, columns=None):
        """The C structs: the caller releases them, or gives them to pyarrow."""
        rows = (ctypes.c_uint64 * len(rows))(*rows)
        count = 0 if columns is None else len(columns)
        if columns is not None:
            columns = (ctypes.c_int * max(count, 1))(*columns)
        array, schema, error = Array(), Schema(), Error()
        check(
            library.forkloader_table_take(
                self.pointer, rows, len(rows), columns, count, array, schema, error
            ),
            error,
        )
        return array, schema

    def take(self, rows, columns=None):
        """A pyarrow struct array."""
        array, schema = self.take_structs(rows, columns)
        return pyarrow.Array._import_from_c(ctypes.addressof(array), ctypes.addressof(schema))

    def free(self):
        library.forkloader_table_free(self.pointer)
        self.pointer = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.free()
