"""A rank of torchrun: four steps of a Loader, and the others by torch's DataLoader; rank 0 writes
what all ranks have had into a file. SPDX-License-Identifier: Apache-2.0"""

import itertools
import json
import os
import sys

import numpy
import pyarrow
import torch.distributed as distributed
from torch.utils.data import DataLoader

from forkpolicy.loader import Loader


def of_all(value):
    found = [None] * distributed.get_world_size()
    distributed.all_gather_object(found, value)
    return found


def global_batch(batch):
    return [row for rows in of_all(batch["id"].tolist()) for row in rows]


def main(path):
    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
    for name in "RANK", "WORLD_SIZE":
        del os.environ[name]  # the process group says it
    ids = numpy.arange(103)
    table = pyarrow.table({"id": ids, "x": ids / 2})
    loader = Loader(table, global_batch_size=12, shuffle=True, seed=4, workers=2)
    said = {"ranks": of_all([rank, distributed.get_world_size()])}
    said["batches"] = [global_batch(batch) for batch in itertools.islice(loader, 4)]
    said["tokens"] = sorted(set(of_all(str(loader.token()))))
    loader.resume(loader.token())
    by_torch = DataLoader(loader.torch_dataset(), batch_size=None, num_workers=1)
    said["by_torch"] = [global_batch(batch) for batch in by_torch]
    if rank == 0:
        with open(path, "w") as file:
            json.dump(said, file)
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
