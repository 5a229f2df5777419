"""Batches of few rows, and of many columns, in this process, beside numpy and torch's DataLoader.

Usage: build/venv/loader/bin/python bench/loader_small.py [ROUNDS]

Each epoch is shuffled; a batch is a dict of tensors. torch's is a DataLoader over a dataset whose
__getitems__ takes rows of numpy arrays; numpy's the same in a loop. The best of the rounds.

SPDX-License-Identifier: Apache-2.0
"""

import sys

import numpy
import pyarrow
import torch
from loader_rounds import alternate, duration, figure, head, line, save, timed
from torch.utils.data import DataLoader, Dataset

from forkpolicy.loader import Loader

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 9
ROWS = 1 << 16


class Arrays(Dataset):
    def __init__(self, columns):
        self.columns = columns

    def __len__(self):
        return ROWS

    def __getitems__(self, rows):
        rows = numpy.asarray(rows)
        return {name: torch.from_numpy(column[rows]) for name, column in self.columns.items()}


def by_numpy(arrays, size):
    order = numpy.random.default_rng().permutation(ROWS)
    for first in range(0, ROWS, size):
        yield arrays.__getitems__(order[first : first + size])


def few_columns(random):
    return {
        "id": numpy.arange(ROWS),
        "x": random.random(ROWS).astype("f4"),
        "label": random.integers(0, 9, ROWS),
    }


def contenders(columns, size):
    arrays = Arrays(columns)
    batches = {
        "ours": Loader(pyarrow.table(columns), size, shuffle=True),
        "torch": DataLoader(arrays, size, shuffle=True, collate_fn=lambda batch: batch),
    }
    made = {who: lambda found=found: sum(1 for _ in found) for who, found in batches.items()}
    return {**made, "numpy": lambda: sum(1 for _ in by_numpy(arrays, size))}


def main():
    random = numpy.random.default_rng(1)
    few = few_columns(random)
    many = {f"c{number}": random.random(ROWS).astype("f4") for number in range(200)}
    title = f"A batch, the best of {ROUNDS} rounds; of all processors"
    head(title, ("columns", "rows", "ours", "DataLoader", "numpy", "ours to DataLoader", "to numpy"))
    figures = []
    for columns, size in (few, 32), (few, 128), (few, 512), (many, 256):
        batches = ROWS // size
        functions = contenders(columns, size)
        rounds = alternate({who: lambda f=f: timed(f)[:2] for who, f in functions.items()}, ROUNDS)
        best = {who: [min(found) / batches for found in zip(*times)] for who, times in rounds.items()}
        cells = [f"{duration(clock)} ({duration(processors)})" for clock, processors in best.values()]
        ratios = [f"{best['ours'][0] / best[who][0]:.2f}" for who in ("torch", "numpy")]
        line([str(len(columns)), str(size), *cells, *ratios])
        for who, times in rounds.items():
            seconds = [clock / batches for clock, _ in times]
            figures.append(figure(f"{len(columns)} columns, {size} rows", who, seconds))
    save("loader_small", figures)


if __name__ == "__main__":
    main()
