# SPDX-License-Identifier: Apache-2.0
"""A table of embeddings, split and shuffled, as torch tensors by two forked DataLoader workers.

    $ python examples/loader.py
    {'train': 15049, 'test': 4147}
    epoch 0: 15049 rows, mean 0.500
    epoch 1: 15049 rows, mean 0.500
    a batch: embedding (713, 64), label torch.bool,
        weight with 9 nulls

From the source tree: PYTHONPATH=python, after make. Needs pyarrow, numpy and torch.
"""

import tempfile
from pathlib import Path

import numpy
import pyarrow
import torch

from forkpolicy.loader import Permutations, Table, collate, permutation_builder

ROWS, WIDTH = 20_000, 64


def write_table(path):
    """Embeddings with a label each, and now and then a missing weight."""
    random = numpy.random.default_rng(1)
    values = pyarrow.array(random.random(ROWS * WIDTH, dtype=numpy.float32))
    weights = random.random(ROWS)
    table = pyarrow.table(
        {
            "id": numpy.arange(ROWS),
            "user": random.integers(0, 500, ROWS),
            "embedding": pyarrow.FixedSizeListArray.from_arrays(values, WIDTH),
            "label": random.integers(0, 2, ROWS).astype(bool),
            "weight": pyarrow.array(weights, mask=weights < 0.01),
        }
    )
    with pyarrow.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=4096)


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "embeddings.arrow")
        write_table(path)
        table = Table(path)  # memory-mapped: the workers share its pages

        splits = (
            permutation_builder(table)
            .filter("weight IS NULL OR weight > 0.05")
            .split_group(["user"], [8, 2], split_names=["train", "test"])  # no user is in both
            .shuffle(seed=42)
            .execute()
        )
        print(dict(zip(splits.split_names, splits.splits)))

        train = Permutations(table, splits)["train"].with_format("tensor")
        loader = torch.utils.data.DataLoader(
            train,
            batch_size=1024,
            num_workers=2,
            collate_fn=collate,
            multiprocessing_context="fork",
        )
        for epoch in range(2):
            train.set_epoch(epoch)
            rows, mean = 0, torch.zeros(WIDTH)
            for batch in loader:
                rows += len(batch["id"])
                mean += batch["embedding"].sum(0)
            print(f"epoch {epoch}: {rows} rows, mean {float((mean / rows).mean()):.3f}")
        print(
            f"a batch: embedding {tuple(batch['embedding'].shape)}, label {batch['label'].dtype},"
        )
        print(f"    weight with {int((~batch['weight'].valid).sum())} nulls")


if __name__ == "__main__":
    main()
