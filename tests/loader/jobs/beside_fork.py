"""torch's DataLoader forks over our rows while a Loader prefetches at full speed in its parent.
SPDX-License-Identifier: Apache-2.0"""

import threading

import numpy
import pyarrow
from torch.utils.data import DataLoader

from forkpolicy.loader import Loader, Permutation, collate

ROWS, EPOCHS, WORKERS = 5_000, 3, 2


def source():
    ids = numpy.arange(ROWS)
    vectors = pyarrow.FixedSizeListArray.from_arrays(numpy.repeat(ids, 64).astype("f4"), 64)
    return pyarrow.table({"id": ids, "vec": vectors})


def check(batches):
    seen = numpy.zeros(ROWS, int)
    for batch in batches:
        assert (batch["vec"] == batch["id"][:, None]).all()
        seen[batch["id"]] += 1
    assert (seen == 1).all()


def at_full_speed(table, ended, epochs):
    loader = Loader(table, 256, shuffle=True, workers=0, threads=2, prefetch=8)
    while not ended.is_set():
        check(loader)
        epochs.append(loader.epoch)


def main():
    table = source()
    ended, epochs = threading.Event(), []
    beside = threading.Thread(target=at_full_speed, args=(table, ended, epochs))
    beside.start()
    rows = Permutation.identity(table).shuffle(3).with_format("tensor")
    dataset = Loader(table, 512, shuffle=True, threads=2).torch_dataset()
    for epoch in range(EPOCHS):
        rows.set_epoch(epoch)
        check(DataLoader(rows, 512, num_workers=WORKERS, collate_fn=collate))
        dataset.set_epoch(epoch)
        check(DataLoader(dataset, batch_size=None, num_workers=WORKERS))
    forks_seen = len(epochs)
    while len(epochs) < forks_seen + 2:  # it goes on behind them
        beside.join(0.01)
        assert beside.is_alive()
    ended.set()
    beside.join()
    print("epochs beside", epochs[-1])


if __name__ == "__main__":
    main()
