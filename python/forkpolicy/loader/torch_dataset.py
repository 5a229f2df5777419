# SPDX-License-Identifier: Apache-2.0
"""A Loader within torch's DataLoader."""

import sys

import torch

EPOCH, CONSUMED, BEGUN = 0, 1, 2  # words of a Place; from BEGUN on one for each worker
WORKERS = 1024
SHARERS = "DataLoaderDispatcher", "IterableDatasetShard"  # of accelerate.data_loader


class Place:
    """Where the next iteration begins, in memory that the DataLoader's workers share.

    Each worker counts the iterations that it has begun: the first one is at the place that was set,
    each one after that is the next epoch from its beginning.
    """

    def __init__(self, epoch, consumed):
        self._words = torch.zeros(BEGUN + WORKERS, dtype=torch.int64).share_memory_()
        self.set(epoch, consumed)

    def set(self, epoch, consumed):
        self._words[EPOCH], self._words[CONSUMED], self._words[BEGUN:] = epoch, consumed, 0

    def begin(self, worker):
        """(epoch, units consumed) of the iteration that this worker begins."""
        begun = int(self._words[BEGUN + worker])
        self._words[BEGUN + worker] = begun + 1
        epoch = int(self._words[EPOCH])
        return (epoch + begun, 0) if begun else (epoch, int(self._words[CONSUMED]))


class LoaderDataset(torch.utils.data.IterableDataset):
    """The batches of a Loader, in order, however many workers the DataLoader has: its worker i of n
    makes the steps i, i + n, ... The first iteration begins where the Loader is, each one after
    that is the next epoch; set_epoch, resume and skip of the Loader reach workers that persist.

    The Loader's place stays: after k batches, loader.skip(k). Each iteration has a state_dict, of
    which torchdata's StatefulDataLoader makes its own.
    """

    def __init__(self, loader):
        self._loader = loader

    def __len__(self):
        return len(self._loader)

    def set_epoch(self, epoch):
        """The next iteration is this epoch, from its beginning."""
        self._loader.set_epoch(epoch)

    def __getstate__(self):
        _refuse_sharers(self._loader)
        return {"_loader": self._loader.of_this_rank()}  # a spawned worker finds no process group

    def __iter__(self):
        _refuse_sharers(self._loader)
        worker = torch.utils.data.get_worker_info()
        number, of = (worker.id, worker.num_workers) if worker else (0, 1)
        return _Part(self._loader, number, of)


class _Part:
    """The batches that one worker makes of an epoch."""

    def __init__(self, loader, number, of):
        self._loader, self._share = loader, (number, of)
        self._epoch, self._consumed = loader.in_torch().begin(number)
        self._given, self._batches = 0, None

    def __iter__(self):
        return self

    def __next__(self):
        if self._batches is None:
            number, of = self._share
            first = number + self._given * of
            self._batches = self._loader.part(first, of, self._epoch, self._consumed)
        batch = next(self._batches)
        self._given += 1
        return batch

    def state_dict(self):
        token = self._loader.token_at(self._epoch, self._consumed)
        return {"token": str(token), "of": self._share[1], "given": self._given}

    def load_state_dict(self, state):
        """ValueError: of another source or order, or of another number of workers."""
        if state["of"] != self._share[1]:
            raise ValueError(f"the state is of {state['of']} workers, not {self._share[1]}")
        token = self._loader.checked(state["token"])
        self._epoch, self._consumed = token.epoch, token.units
        self._given, self._batches = state["given"], None


def _refuse_sharers(loader):
    """Whoever shares out what is already one rank's share would lose rows without a word."""
    if loader.world_size == 1:
        return
    frame = sys._getframe(1)
    while frame is not None:
        who = type(frame.f_locals.get("self")).__name__ if "self" in frame.f_code.co_varnames else ""
        if who in SHARERS:
            raise RuntimeError(
                f"accelerate's {who} shares out batches that are this rank's share already: iterate"
                " over the Loader, or over DataLoader(loader.torch_dataset(), batch_size=None), as"
                " it is, without prepare(); prepare(DataLoader(permutation)) shares out rows itself"
            )
        frame = frame.f_back
