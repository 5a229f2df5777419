# SPDX-License-Identifier: Apache-2.0
"""Arrow IPC files, mapped into memory: opening reads their metadata alone."""

import mmap
import os
from pathlib import Path

import pyarrow

MEMORY = Path("/proc/meminfo")
LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container


class MappedFiles:
    """table: a pyarrow.Table whose buffers are pages of the files; stamps: their sizes and times.

    Raises ValueError for a file that is damaged, or has another schema than the first.
    """

    def __init__(self, names, kind):
        self.names = names
        self.stamps = [_stamp_of(name) for name in names]
        self._inodes = [_inode_of(name) for name in names]
        self._maps = [_mapped(name) for name in names]
        tables = [_read(*one, kind) for one in zip(names, self._maps)]
        for name, table in zip(names, tables):
            if not table.schema.equals(tables[0].schema):
                raise ValueError(
                    f"{name} has another schema than {names[0]}: {_difference(tables[0], table)}"
                )
        self.table = pyarrow.concat_tables(tables) if len(tables) > 1 else tables[0]

    def check(self):
        """ValueError: a file has been truncated, and a read behind its end would be a SIGBUS. One
        that was replaced is fine: the old one is mapped."""
        for name, inode, (size, _) in zip(self.names, self._inodes, self.stamps):
            if os.path.exists(name) and _inode_of(name) == inode and os.path.getsize(name) < size:
                raise ValueError(
                    f"{name} has been truncated since it was opened: {os.path.getsize(name)} bytes"
                    f" of {size} are left"
                )

    def read_ahead(self):
        """All rows are about to be read, in any order: where the files fit into memory, the kernel
        may read what is near a row, too. One page at a time, a cold file takes fifty times as long."""
        maps, self._maps = self._maps, []
        if sum(map(len, maps)) <= _memory() // 2:
            for one in maps:
                one.madvise(mmap.MADV_NORMAL)


def _stamp_of(name):
    status = os.stat(name)
    return status.st_size, status.st_mtime_ns


def _inode_of(name):
    status = os.stat(name)
    return status.st_dev, status.st_ino


def _mapped(name):
    """The kernel is told of random reads before the first one: it would read ahead megabytes at
    each batch's metadata, and so nearly the whole file."""
    with open(name, "rb") as file:
        found = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    found.madvise(mmap.MADV_RANDOM)
    return found


def _read(name, pages, kind):
    try:
        source = pyarrow.BufferReader(pyarrow.py_buffer(pages))
        if kind == "arrow":
            return pyarrow.ipc.open_file(source).read_all()
        return pyarrow.ipc.open_stream(source).read_all()
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"{name} is no Arrow IPC file: {error}") from None


def _difference(first, other):
    ours, theirs = ({field.name: field.type for field in table.schema} for table in (first, other))
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    return ", ".join(f"`{name}` is {theirs.get(name)}, not {ours.get(name)}" for name in names)


def _memory():
    """Bytes that the page cache may take; 0 where nobody says."""
    try:
        lines = dict(line.split(":") for line in MEMORY.read_text().splitlines())
        found = int(lines["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError):
        return 0
    try:
        return min(found, int(LIMIT.read_text()))
    except (OSError, ValueError):  # no container's, or "max"
        return found
