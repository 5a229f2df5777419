# SPDX-License-Identifier: Apache-2.0
"""A small model is trained on a table, read by a Loader with two worker processes.

    $ python examples/train.py
    epoch 0: 20000 rows in 79 batches, loss 0.14
    epoch 1: 20000 rows in 79 batches, loss 0.00
    where this run is: epoch 2, unit 0

From the source tree: PYTHONPATH=python, after make. Needs pyarrow, numpy and torch.
"""

import tempfile
from pathlib import Path

import numpy
import pyarrow
import torch

from forkpolicy.loader import Loader, Table

ROWS, WIDTH = 20_000, 16


def write_table(path):
    """Vectors, and a number that is a weighted sum of each."""
    random = numpy.random.default_rng(1)
    vectors = random.standard_normal((ROWS, WIDTH), dtype=numpy.float32)
    weights = numpy.linspace(-1, 1, WIDTH, dtype=numpy.float32)
    target = vectors @ weights + 0.1 * random.standard_normal(ROWS, dtype=numpy.float32)
    values = pyarrow.array(vectors.reshape(-1))
    table = pyarrow.table(
        {
            "vector": pyarrow.FixedSizeListArray.from_arrays(values, WIDTH),
            "target": target,
        }
    )
    with pyarrow.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=4096)


def scaled(batch):
    """What the workers make of a batch of tensors: here, the training's own units."""
    batch["target"] = batch["target"] / 2
    return batch


def train(loader):
    torch.manual_seed(0)
    model = torch.nn.Linear(WIDTH, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(2):  # each `for` over the Loader is the next epoch, in another order
        rows, total = 0, 0.0
        for batch in loader:
            loss = torch.nn.functional.mse_loss(model(batch["vector"])[:, 0], batch["target"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rows += len(batch["target"])
            total += loss.item()
        mean = total / len(loader)
        print(f"epoch {epoch}: {rows} rows in {len(loader)} batches, loss {mean:.2f}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "vectors.arrow")
        write_table(path)
        loader = Loader(Table(path), 256, shuffle=True, seed=7, transform=scaled, workers=2)
        train(loader)
        token = loader.token()
        print(f"where this run is: epoch {token.epoch}, unit {token.units}")


if __name__ == "__main__":
    main()
