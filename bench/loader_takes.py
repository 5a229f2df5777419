"""Takes of the loader's library and of pyarrow, for the scripts that compare them.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
import sys
from pathlib import Path

import pyarrow

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "loader"))
from library import Array, Error, Schema, Table, library  # noqa: E402


def of_loader(table):
    imported = Table(table)
    array, schema, error = Array(), Schema(), Error()

    def take(rows):
        code = library.forkloader_table_take(
            imported.pointer, rows.ctypes.data, len(rows), None, 0, array, schema, error
        )
        assert code == 0, error.message
        array.release(ctypes.byref(array))
        schema.release(ctypes.byref(schema))

    take.imported = imported
    return take


def of_pyarrow(table):
    def take(rows):
        table.take(pyarrow.array(rows))

    return take
