# SPDX-License-Identifier: Apache-2.0
"""A Loader within torch's DataLoader."""

import torch


class LoaderDataset(torch.utils.data.IterableDataset):
    """The batches of a Loader, of the epoch that it is at, in order, however many workers the
    DataLoader has: its worker i of n makes the steps i, i + n, ... Its Loader's place stays: after
    k batches, loader.skip(k)."""

    def __init__(self, loader):
        self._loader = loader

    def __len__(self):
        return len(self._loader)

    def set_epoch(self, epoch):
        """Of the next iteration; workers that persist do not hear of it."""
        self._loader.set_epoch(epoch)

    def __getstate__(self):
        return {"_loader": self._loader.of_this_rank()}  # a spawned worker finds no process group

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        number, of = (worker.id, worker.num_workers) if worker else (0, 1)
        return self._loader.part(number, of)
