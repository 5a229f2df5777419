"""1,024 random rows a batch: forkpolicy.loader, LanceDB, pyarrow, numpy and torch, in turn.

Usage: build/venv/lancedb/bin/python bench/loader_read.py [ROUNDS [ROWS [ROWS_IN_MEMORY]]]

Rows of 524 bytes, as in loader_take.py, in memory of pages of 4 KiB, then in huge pages. Ours,
pyarrow, numpy, torch and the limit (bench/programs/random_read.c) read the very same pages; LanceDB
a table on disk, its pages warm, and one in memory:// of fewer rows (ours then has as many). A batch
is an Arrow one where there is a choice; "from C" is the call below the Permutation.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
import mmap
import os
import statistics
import sys
import tempfile
import time

import lancedb
import numpy
import pyarrow
import torch
from lancedb.permutation import Permutation as Theirs
from lancedb.permutation import permutation_builder as their_builder
from loader_rounds import HERE, alternate, duration, figure, head, line, save
from loader_take import BATCH, make_columns, make_table, of_loader, of_numpy, of_pyarrow

from forkpolicy.loader import Permutation, Table, permutation_builder

CALLS, FEW = 100, 3  # batches in a round, and of who takes long
PAGES = {"4 KiB": mmap.MADV_NOHUGEPAGE, "huge": mmap.MADV_HUGEPAGE}
LIMIT, VECTORS = "reading alone", "reading alone, vectors only"
CORE = "forkloader, from C"
DISK, MEMORY = "LanceDB, disk", "LanceDB, memory://"
TAKE, SHUFFLED, EPOCH = "random rows", "random rows, shuffled", "an epoch, shuffled"
GENERATOR = numpy.random.default_rng(2)
LEAST = {LIMIT: 0.6, "pyarrow": 1.2, "numpy": 1.2, DISK: 300, MEMORY: 50}
reader = ctypes.CDLL(str(HERE.parent / "build/bench/random_read.so"))
reader.random_read.restype = ctypes.c_uint32
reader.random_read.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t)


def pages_of(advice):
    """Like numpy.empty, in pages of this kind."""

    def empty(shape, kind):
        size = int(numpy.prod(shape)) * numpy.dtype(kind).itemsize
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(advice)
        return numpy.frombuffer(memory, kind).reshape(shape)

    return empty


def of_limit(columns):
    def take(rows):
        for column in columns:
            width = column[:1].nbytes
            reader.random_read(column.ctypes.data, width, rows.ctypes.data, len(rows))

    return take


def of_torch(columns):
    tensors = [torch.from_numpy(column) for column in columns]

    def take(rows):
        found = torch.from_numpy(rows)
        for tensor in tensors:
            tensor.index_select(0, found)

    return take


def at_random(rows, take, calls=CALLS, kind=numpy.int64, given=lambda rows: rows):
    """Seconds of a batch: the median of some, each of rows that nobody has read just now."""
    def measure():
        picked = [given(GENERATOR.integers(0, rows, BATCH).astype(kind)) for _ in range(calls + 1)]
        times = []
        for each in picked:
            start = time.perf_counter()
            take(each)
            times.append(time.perf_counter() - start)
        return statistics.median(times[1:])

    return measure


def in_turn(permutation, calls=CALLS):
    """The same of an epoch's batches, from some place on."""
    batches = iter(())

    def measure():
        nonlocal batches
        times = []
        while len(times) < calls + 1:
            start = time.perf_counter()
            if next(batches, None) is None:
                batches = permutation.iter(BATCH)
            else:
                times.append(time.perf_counter() - start)
        return statistics.median(times[1:])

    return measure


def ours(table):
    """By what is asked for."""
    made = permutation_builder(table).shuffle(seed=1).execute()
    identity = Permutation.identity(table).with_format("arrow")
    shuffled = Permutation.from_tables(table, made).with_format("arrow")
    return {
        TAKE: at_random(len(table), identity.__getitems__),
        SHUFFLED: at_random(len(table), shuffled.__getitems__),
        EPOCH: in_turn(shuffled),
    }


def lancedbs(table):
    rows = table.count_rows()
    made = their_builder(table).shuffle(seed=1).execute()
    identity = Theirs.identity(table).with_format("arrow")
    shuffled = Theirs.from_tables(table, made).with_format("arrow")
    listed = numpy.ndarray.tolist
    return {
        TAKE: at_random(rows, identity.__getitems__, FEW, given=listed),
        SHUFFLED: at_random(rows, shuffled.__getitems__, FEW, given=listed),
        EPOCH: in_turn(shuffled, FEW),
    }


class Figures:
    def __init__(self, rounds):
        self.rounds = rounds
        self.saved = []

    def compare(self, what, rows, pages, contenders):
        """A row for each; the first is ours."""
        found = alternate(contenders, self.rounds)
        mine = found["forkloader"]
        for who, seconds in found.items():
            self.saved.append(figure(what, who, seconds, rows=rows, pages=pages))
            middle = statistics.median(seconds)
            times = statistics.median(one / other for one, other in zip(seconds, mine))
            line(
                [
                    f"{what}, {rows:,} rows, {pages}",
                    who,
                    f"{duration(middle)} ({duration(min(seconds))})",
                    f"{middle / statistics.median(mine):.2f} ({min(seconds) / min(mine):.2f})",
                    f"{times:.2f}",
                    f">= {LEAST[who]}" if who in LEAST else "",
                ]
            )


def beside_arrays(figures, pages, table, columns):
    rows = len(table)
    contenders = {
        "forkloader": ours(table)[TAKE],
        CORE: at_random(rows, of_loader(table.to_arrow()), kind=numpy.uint64),
        LIMIT: at_random(rows, of_limit(columns), kind=numpy.uint64),
        VECTORS: at_random(rows, of_limit(columns[2:]), kind=numpy.uint64),
        "pyarrow": at_random(rows, of_pyarrow(table.to_arrow())),
        "numpy": at_random(rows, of_numpy(columns)),
        "torch": at_random(rows, of_torch(columns)),
    }
    figures.compare(TAKE, rows, pages, contenders)


def beside_lancedb(figures, pages, who, table, stored):
    mine, theirs = ours(table), lancedbs(stored)
    for what in (TAKE, SHUFFLED, EPOCH):
        contenders = {"forkloader": mine[what], who: theirs[what]}
        figures.compare(what, len(table), pages, contenders)


def store(where, table):
    """LanceDB's of the same rows."""
    stored = lancedb.connect(where).create_table("t", table.to_arrow().to_reader(100_000))
    os.sync()  # writing to the disk takes its part of the memory's bandwidth
    return stored


def main(rounds, rows, few):
    os.environ.setdefault("LANCEDB_PERM_BUILDER_MEMORY_LIMIT", str(8 * 10**9))
    torch.set_num_threads(1)
    figures, disk, memory = Figures(rounds), None, None
    title = f"A batch of {BATCH:,} rows, {rounds} rounds, lancedb {lancedb.__version__}:"
    head(title, ["", "", "median (best)", "to ours (best)", "round by round", "asked"])
    with tempfile.TemporaryDirectory() as folder:
        for pages, advice in PAGES.items():
            columns = make_columns(rows, pages_of(advice))
            table = Table(make_table(columns, 1))
            part = Table(table.to_arrow().slice(0, few))
            beside_arrays(figures, pages, table, columns)
            disk = disk or store(folder, table)
            beside_lancedb(figures, pages, DISK, table, disk)
            memory = memory or store("memory://", part)
            beside_lancedb(figures, pages, MEMORY, part, memory)
            del table, part, columns
    save("loader_read", figures.saved, batch=BATCH)


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    main(*(numbers + [11, 10_000_000, 2_000_000][len(numbers) :]))
