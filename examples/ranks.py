# SPDX-License-Identifier: Apache-2.0
"""Two ranks read one table: each its share of every global batch, and they never talk about it.

    $ torchrun --standalone --nproc-per-node 2 examples/ranks.py
    of the first global batch the ranks have 128 + 128 rows
    epoch 0: 40 global batches, 10000 rows: those of one process alone
    epoch 1: 40 global batches, 10000 rows: those of one process alone
    the models of all ranks are the same

From the source tree: PYTHONPATH=python, after make. Needs pyarrow, numpy and torch.
"""

import numpy
import pyarrow
import torch
import torch.distributed as distributed

from forkpolicy.loader import Loader

ROWS, WIDTH, GLOBAL_BATCH, EPOCHS = 10_000, 8, 256, 2


def make_table():
    random = numpy.random.default_rng(1)
    vectors = random.standard_normal((ROWS, WIDTH), dtype=numpy.float32)
    values = pyarrow.array(vectors.reshape(-1))
    return pyarrow.table(
        {
            "id": numpy.arange(ROWS),
            "vector": pyarrow.FixedSizeListArray.from_arrays(values, WIDTH),
            "target": vectors.sum(1),
        }
    )


def gather(value):
    """A list of every rank's."""
    found = [None] * distributed.get_world_size()
    distributed.all_gather_object(found, value)
    return found


def step(model, optimizer, batch, rows):
    """The gradient of the global batch, of which this rank has a share."""
    optimizer.zero_grad()
    error = model(batch["vector"])[:, 0] - batch["target"]
    ((error**2).sum() / rows).backward()
    for parameter in model.parameters():
        distributed.all_reduce(parameter.grad)
    optimizer.step()


def main():
    distributed.init_process_group("gloo")
    is_first = distributed.get_rank() == 0
    table = make_table()
    order = {"global_batch_size": GLOBAL_BATCH, "shuffle": True, "seed": 7}
    loader = Loader(table, **order)  # rank and world size are torch.distributed's
    alone = Loader(table, **order, rank=0, world_size=1)
    torch.manual_seed(0)
    model = torch.nn.Linear(WIDTH, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(EPOCHS):
        rows, agree = 0, True
        for number, (batch, whole) in enumerate(zip(loader, alone)):
            shares = gather(batch["id"].tolist())
            if is_first and epoch == number == 0:
                counts = " + ".join(str(len(share)) for share in shares)
                print(f"of the first global batch the ranks have {counts} rows")
            agree = agree and sum(shares, []) == whole["id"].tolist()
            rows += sum(map(len, shares))
            step(model, optimizer, batch, len(whole["id"]))
        if is_first:
            are = "those" if agree and number + 1 == len(alone) else "NOT those"
            read = f"{number + 1} global batches, {rows} rows"
            print(f"epoch {epoch}: {read}: {are} of one process alone")
    models = gather([parameter.tolist() for parameter in model.parameters()])
    if is_first:
        are = "the same" if all(each == models[0] for each in models) else "NOT the same"
        print(f"the models of all ranks are {are}")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
