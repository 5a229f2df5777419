"""What takes of narrow columns cost, beside pyarrow: in alternating runs, as ratios.

A table of one column (int64, float32, bool, int8) or of three, in 1 chunk and in 100.
`loader_narrow.py [ROWS] [ROUNDS]`; COLUMNS and CHUNKS, comma-separated, choose among them.

SPDX-License-Identifier: Apache-2.0
"""

import os
import statistics
import sys
import time

import numpy
import pyarrow
from loader_takes import of_loader, of_pyarrow

SIZES = (1024, 65_536, 200_000)
ROWS_A_ROUND = 400_000
CALLS = (3, 20)  # at least, at most
TABLES = {
    "int64": ["int64"],
    "float32": ["float32"],
    "bool": ["bool"],
    "int8": ["int8"],
    "three": ["int64", "float32", "bool"],
}


def make_columns(rows):
    generator = numpy.random.default_rng(1)
    return {
        "int64": numpy.arange(rows),
        "float32": generator.random(rows, numpy.float32),
        "bool": generator.random(rows, numpy.float32) < 0.5,
        "int8": generator.integers(-100, 100, rows, numpy.int8),
    }


def make_table(columns, chunks):
    rows = len(next(iter(columns.values())))
    step = -(-rows // chunks)
    return pyarrow.Table.from_batches(
        [
            pyarrow.record_batch(
                {name: pyarrow.array(values[at : at + step]) for name, values in columns.items()}
            )
            for at in range(0, rows, step)
        ]
    )


def measure(take, generator, rows, size):
    """Microseconds a call; each call takes rows of its own."""
    calls = min(max(ROWS_A_ROUND // size, CALLS[0]), CALLS[1])
    picked = [generator.integers(0, rows, size).astype(numpy.uint64) for _ in range(calls + 1)]
    take(picked[0])
    start = time.perf_counter()
    for each in picked[1:]:
        take(each)
    return (time.perf_counter() - start) / calls * 1e6


def compare(table, size, rounds):
    """The times of both, round by round; who is first changes."""
    generator = numpy.random.default_rng(2)
    both = [of_loader(table), of_pyarrow(table)]
    times = [[], []]
    for number in range(rounds):
        for which in (0, 1) if number % 2 else (1, 0):
            times[which].append(measure(both[which], generator, table.num_rows, size))
    return times


def main():
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 21
    chosen = os.environ.get("COLUMNS", ",".join(TABLES)).split(",")
    columns = make_columns(rows)
    print("| column | chunks | rows | forkloader, us | pyarrow, us | ratio, round by round |")
    print("|---|---|---|---|---|---|")
    for name in chosen:
        for chunks in map(int, os.environ.get("CHUNKS", "1,100").split(",")):
            table = make_table({each: columns[each] for each in TABLES[name]}, chunks)
            for size in SIZES:
                ours, theirs = compare(table, size, rounds)
                ratio = statistics.median(a / b for a, b in zip(ours, theirs))
                print(
                    f"| {name} | {chunks} | {size:,} | {statistics.median(ours):.1f} "
                    f"| {statistics.median(theirs):.1f} | {ratio:.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
