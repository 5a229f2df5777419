"""What an index of a random order costs. Usage: loader_permute.py [ROUNDS] [ROWS...].

For each number of rows: the median nanoseconds an index of each path, and the ratio to the fastest
one, of the medians (quartiles of the rounds' ratios), of the minima. numpy and torch make the whole
order at once, in new memory; libforkloader reads it in batches of 1,024, and into an array that is
as new. They are left out from a thousand million rows on. SPDX-License-Identifier: Apache-2.0
"""

import subprocess
import sys
import time

from rounds import BUILD, PATIENCE, duration, head, line, ratio

PROGRAM = BUILD / "bench/permute"
WHEELS = BUILD / "venv/wheels/bin/python"
PEERS_MOST = 10**9  # exclusive: 16 GB and more
PATHS = ("avx512", "avx2", "plain", "single")


def numpy_permutation(rows):
    import numpy

    generator = numpy.random.default_rng(1)
    start = time.perf_counter()
    generator.permutation(rows)
    return time.perf_counter() - start


def torch_randperm(rows):
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(1)
    start = time.perf_counter()
    torch.randperm(rows)
    return time.perf_counter() - start


PEERS = {"numpy Generator.permutation": numpy_permutation, "torch.randperm": torch_randperm}


def nanoseconds(command):
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=PATIENCE
    )
    return float(done.stdout) if done.returncode == 0 else None


def commands(rows):
    """By column; the first is what the others are compared with."""
    paths = [path for path in PATHS if nanoseconds((PROGRAM, path, 1)) is not None]
    columns = {path: (PROGRAM, path, rows) for path in paths}
    if rows < PEERS_MOST:
        columns[f"{paths[0]}, array"] = (PROGRAM, paths[0], rows, "array")
        if WHEELS.exists():
            for peer in PEERS:
                columns[peer] = (WHEELS, __file__, "--peer", peer, rows)
    return columns


def measure(columns, rounds):
    figures = {column: [] for column in columns}
    names = list(columns)
    for index in range(rounds):
        first = index % len(names)
        for name in names[first:] + names[:first]:
            figures[name].append(nanoseconds(columns[name]))
    return figures


def main(rounds, counts):
    for rows in counts:
        columns = commands(rows)
        base, *others = columns
        figures = measure(columns, rounds)
        head(f"{rows:,} rows:", ["path", "an index", f"to {base}"])
        line([base, duration(sorted(figures[base])[rounds // 2]), "1"])
        for other in others:
            middle = duration(sorted(figures[other])[rounds // 2])
            line([other, middle, ratio(figures[other], figures[base])])


if sys.argv[1:2] == ["--peer"]:
    count = int(sys.argv[3])
    print(PEERS[sys.argv[2]](count) / count * 1e9)
elif __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    main(numbers[0] if numbers else 5, numbers[1:] or (10**7, 10**8, 10**9))
