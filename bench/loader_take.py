"""What a take of 1,024 random rows costs, beside pyarrow and numpy: in alternating runs.

Rows of 524 bytes: an int64, a float and 128 floats. `loader_take.py [ROWS] [ROUNDS]`.

SPDX-License-Identifier: Apache-2.0
"""

import statistics
import sys
import time

import numpy
import pyarrow
from loader_takes import of_loader, of_pyarrow

BATCH = 1024
WIDTH = 128
CALLS = 20


def make_columns(rows, empty=numpy.empty):
    generator = numpy.random.default_rng(1)
    ids, scores = empty(rows, numpy.int64), empty(rows, numpy.float32)
    vectors = empty((rows, WIDTH), numpy.float32)
    for at in range(0, rows, 100_000):
        part = vectors[at : at + 100_000]
        part[:] = generator.random(part.shape, numpy.float32)
    ids[:] = numpy.arange(rows)
    scores[:] = generator.random(rows, numpy.float32)
    return ids, scores, vectors


def make_table(columns, chunks):
    ids, scores, vectors = columns
    step = -(-len(ids) // chunks)
    batches = [
        pyarrow.record_batch(
            {
                "id": pyarrow.array(ids[at : at + step]),
                "score": pyarrow.array(scores[at : at + step]),
                "vector": pyarrow.FixedSizeListArray.from_arrays(
                    pyarrow.array(vectors[at : at + step].reshape(-1)), WIDTH
                ),
            }
        )
        for at in range(0, len(ids), step)
    ]
    return pyarrow.Table.from_batches(batches)


def of_numpy(columns):
    def take(rows):
        for column in columns:
            column.take(rows, axis=0)

    return take


def main():
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 41
    columns = make_columns(rows)
    contenders = {
        "forkloader, 1 chunk": of_loader(make_table(columns, 1)),
        "forkloader, 100 chunks": of_loader(make_table(columns, 100)),
        "pyarrow, 1 chunk": of_pyarrow(make_table(columns, 1)),
        "numpy": of_numpy(columns),
    }
    times = {name: [] for name in contenders}
    generator = numpy.random.default_rng(2)
    for _ in range(rounds):
        for name, take in contenders.items():
            picked = [generator.integers(0, rows, BATCH).astype(numpy.uint64) for _ in range(CALLS)]
            if name == "numpy":
                picked = [each.astype(numpy.int64) for each in picked]
            take(picked[0])
            start = time.perf_counter()
            for each in picked[1:]:
                take(each)
            times[name].append((time.perf_counter() - start) / (CALLS - 1) * 1e6)
    first = statistics.median(times["forkloader, 1 chunk"])
    for name, taken in times.items():
        median = statistics.median(taken)
        ratios = [a / b for a, b in zip(taken, times["forkloader, 1 chunk"])]
        print(
            f"{name:24} {median:8.1f} us  (best {min(taken):.1f})  {median / first:5.2f}x, "
            f"round by round {statistics.median(ratios):.2f}x"
        )


if __name__ == "__main__":
    main()
