# SPDX-License-Identifier: Apache-2.0
"""Arrow IPC files, mapped into memory: opening reads their metadata alone."""

import mmap

import pyarrow


def read(files):
    """A pyarrow.Table whose buffers are pages of the files.

    ValueError: a file that is damaged, or has another schema than the first.
    """
    tables = [_read_file(name, files.kind) for name in files.names]
    for name, table in zip(files.names, tables):
        if not table.schema.equals(tables[0].schema):
            raise ValueError(
                f"{name} has another schema than {files.names[0]}: {_difference(tables[0], table)}"
            )
    return pyarrow.concat_tables(tables) if len(tables) > 1 else tables[0]


def _difference(first, other):
    ours, theirs = ({field.name: field.type for field in table.schema} for table in (first, other))
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    return ", ".join(f"`{name}` is {theirs.get(name)}, not {ours.get(name)}" for name in names)


def _read_file(name, kind):
    buffer = _mapped(name)
    try:
        source = pyarrow.BufferReader(buffer)
        if kind == "arrow":
            return pyarrow.ipc.open_file(source).read_all()
        return pyarrow.ipc.open_stream(source).read_all()
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"{name} is no Arrow IPC file: {error}") from None


def _mapped(name):
    """The kernel is told of random reads before the first one: it would read ahead megabytes at
    each batch's metadata, and so nearly the whole file."""
    with open(name, "rb") as file:
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    memory.madvise(mmap.MADV_RANDOM)
    return pyarrow.py_buffer(memory)
