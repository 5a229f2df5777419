"""What it costs to split and shuffle: forkpolicy.loader, LanceDB and numpy, in turn.

Usage: build/venv/lancedb/bin/python bench/loader_build.py [ROUNDS [ROWS...]]

Ours: the handle that execute() gives, and the table of (row_id, split_id) made from a new one.
LanceDB's execute() makes that table at once, in its own memory; its to_arrow() is told apart, and
not counted. It needs more memory than it allows itself: without the variable set here it fails.
numpy has no splits: both columns by hand. At last 100,000,000 rows, read but not made: what that
adds to the process's memory. SPDX-License-Identifier: Apache-2.0
"""

import os
import statistics
import subprocess
import sys
import tempfile

import numpy
import pyarrow
from loader_rounds import alternate, duration, figure, head, line, save, timed

from forkpolicy.loader import Permutation, Table, permutation_builder

MEMORY_LIMIT = "LANCEDB_PERM_BUILDER_MEMORY_LIMIT"
RATIOS = [0.9, 0.1]
SHAPES = {
    "identity": lambda builder: builder,
    "shuffle": lambda builder: builder.shuffle(seed=1),
    "split_random": lambda builder: builder.split_random(ratios=RATIOS, seed=1),
    "split_random, shuffle": lambda builder: builder.split_random(ratios=RATIOS, seed=1).shuffle(
        seed=2
    ),
}
HANDLE, TABLE, LANCEDB, NUMPY = "forkloader, handle", "forkloader, table", "LanceDB", "numpy"
MANY, BATCH, BATCHES = 100_000_000, 1024, 2000
PATIENCE = 600  # seconds


def of_numpy(shape, rows):
    """The same two columns. What is in random order needs one permutation, split or not."""
    if shape == "identity":
        row_ids = numpy.arange(rows, dtype=numpy.uint64)
    else:
        row_ids = numpy.random.default_rng(1).permutation(rows).view(numpy.uint64)
    first = round(RATIOS[0] * rows) if "split" in shape else rows
    split_ids = numpy.repeat(numpy.arange(2, dtype=numpy.uint64), [first, rows - first])
    return pyarrow.table({"row_id": row_ids, "split_id": split_ids})


def contenders(shape, table, theirs, their_builder):
    build, rows = SHAPES[shape], len(table)

    def handle():
        return timed(lambda: build(permutation_builder(table)).execute())[:2]

    def made():
        seconds, used, found = timed(lambda: build(permutation_builder(table)).execute().to_arrow())
        assert found.num_rows == rows
        return seconds, used

    def lancedb():
        seconds, used, found = timed(lambda: build(their_builder(theirs)).execute())
        copying, _, found = timed(found.to_arrow)
        assert found.num_rows == rows
        return seconds, used, copying

    def numpy_columns():
        return timed(lambda: of_numpy(shape, rows))[:2]

    return {HANDLE: handle, TABLE: made, LANCEDB: lancedb, NUMPY: numpy_columns}


def compare(rounds, rows, figures):
    import lancedb
    from lancedb.permutation import permutation_builder as their_builder

    arrow = pyarrow.table({"id": numpy.arange(rows)})
    head(
        f"{rows:,} rows, {rounds} rounds, lancedb {lancedb.__version__}:",
        ["", HANDLE, TABLE, LANCEDB, "to the table (best)", "processors'", NUMPY, "to_arrow"],
    )
    with tempfile.TemporaryDirectory() as folder:
        theirs, table = lancedb.connect(folder).create_table("t", arrow), Table(arrow)
        for shape in SHAPES:
            found = alternate(contenders(shape, table, theirs, their_builder), rounds)
            clock, used = (
                {who: [one[which] for one in times] for who, times in found.items()}
                for which in (0, 1)
            )
            copying = statistics.median(one[2] for one in found[LANCEDB])
            for who, times in clock.items():
                processors = statistics.median(used[who])
                figures.append(figure(shape, who, times, rows=rows, processors=processors))
            middle = {who: statistics.median(times) for who, times in clock.items()}
            busy = {who: statistics.median(times) for who, times in used.items()}
            line(
                [
                    shape,
                    *(duration(middle[who]) for who in (HANDLE, TABLE, LANCEDB)),
                    f"{middle[LANCEDB] / middle[TABLE]:.1f} "
                    f"({min(clock[LANCEDB]) / min(clock[TABLE]):.1f})",
                    f"{busy[LANCEDB] / busy[TABLE]:.1f}",
                    duration(middle[NUMPY]),
                    duration(copying),
                ]
            )


def resident(name):
    """MiB"""
    with open("/proc/self/status") as status:
        return next(int(row.split()[1]) for row in status if row.startswith(name)) / 1024


def memory():
    """Prints how many MiB two epochs' first and last batches of a huge table add."""
    column = numpy.ones(MANY, numpy.int8)  # all of its pages are there from now on
    small = Table(pyarrow.table({"x": column[:BATCH]}))
    next(Permutation.identity(small).with_format("arrow").iter(BATCH))  # what the first use loads
    table = Table(pyarrow.table({"x": column}))
    with open("/proc/self/clear_refs", "w") as peak:
        peak.write("5")
    before = resident("VmRSS")
    made = SHAPES["split_random, shuffle"](permutation_builder(table)).execute()
    permutation = Permutation.from_tables(table, made, 0).with_format("arrow")
    for epoch in range(2):
        permutation.set_epoch(epoch)
        skip = len(permutation) - BATCH * BATCHES
        for part in (permutation.with_take(BATCH * BATCHES), permutation.with_skip(skip)):
            assert sum(len(batch) for batch in part.iter(BATCH)) == BATCH * BATCHES
    print(f"{resident('VmHWM') - before:.1f}")


def main(rounds, counts):
    os.environ.setdefault(MEMORY_LIMIT, str(8 * 10**9))  # before it is imported
    figures = []
    for rows in counts:
        compare(rounds, rows, figures)
    command = [sys.executable, __file__, "--memory"]
    added = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=True
    ).stdout.strip()
    print(f"\n{MANY:,} rows, split and shuffled, {4 * BATCHES:,} batches read: {added} MiB more")
    save("loader_build", figures, many=MANY, many_mib=float(added))


if sys.argv[1:] == ["--memory"]:
    memory()
elif __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    main(numbers[0] if numbers else 5, numbers[1:] or (10**6, 10**7))
