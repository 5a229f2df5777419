"""A filter over many rows: libforkloader by SQLite, and LanceDB's permutation builder, in turn.

Usage: build/venv/lancedb/bin/python bench/loader_filter.py [ROWS [ROUNDS]]

Ours is the list of rows from a table in memory; LanceDB's the permutation table of a table on disk,
its pages warm: each is what its loader needs before the first batch.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import lancedb
import numpy
import pyarrow
from lancedb.permutation import permutation_builder

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "loader"))
from sql_library import SqlTable  # noqa: E402

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
FILTERS = ("id % 2 = 0 AND x < .5", "c IN ('A', 'C')", "id % 3 = 1", "u < 100000 OR x IS NULL")


def make_table():
    random = numpy.random.default_rng(1)
    return pyarrow.table(
        {
            "id": numpy.arange(ROWS),
            "x": random.random(ROWS),
            "c": pyarrow.array(numpy.array(["A", "B", "C", "D"])[random.integers(0, 4, ROWS)]),
            "u": random.integers(0, 2**32, ROWS),
        }
    )


def timed(function):
    start = time.perf_counter()
    count = function()
    return time.perf_counter() - start, count


def main():
    table = make_table()
    with tempfile.TemporaryDirectory() as folder:
        theirs = lancedb.connect(folder).create_table("t", table)
        ours = SqlTable(table)
        print(f"{ROWS} rows, {ROUNDS} rounds, {os.cpu_count()} cores, lancedb {lancedb.__version__}")
        for sql in FILTERS:
            times = {"forkloader": [], "lancedb": []}
            for _ in range(ROUNDS):
                mine, count = timed(lambda: ours.filter_count(sql))
                other, their_count = timed(
                    lambda: permutation_builder(theirs).filter(sql).execute().count_rows()
                )
                assert count == their_count, (sql, count, their_count)
                times["forkloader"].append(mine)
                times["lancedb"].append(other)
            median = {name: statistics.median(found) for name, found in times.items()}
            print(
                f"{sql:28} forkloader {median['forkloader'] * 1e3:7.0f} ms "
                f"(min {min(times['forkloader']) * 1e3:.0f}), lancedb {median['lancedb'] * 1e3:7.0f} "
                f"ms (min {min(times['lancedb']) * 1e3:.0f}), "
                f"ratio {median['forkloader'] / median['lancedb']:.2f}"
            )
        ours.free()


if __name__ == "__main__":
    main()
