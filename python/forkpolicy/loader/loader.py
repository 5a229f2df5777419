# SPDX-License-Identifier: Apache-2.0
"""The Loader: an epoch's batches, one after the other, for this rank."""

import copy

from ._check import seed_of, whole
from .counters import Counters
from .iteration import Iteration
from .making import Making
from .ranks import find_ranks
from .recipe import fingerprint_of, ordered, packing_of, read, units_of
from .schedule import Schedule
from .steps import Steps
from .token import Token


class Loader:
    """Batches of a table or Permutation, for training; `for batch in loader` is one epoch.

    source: a Permutation (a mixture, a weighted one ...), or anything Permutation.identity takes.

    batch_size: rows of this rank's batch; or global_batch_size: of all ranks' together, which then
    are the same however many ranks there are. drop_last leaves out a tail that is no whole global
    batch, pad fills it up with the epoch's first rows; else it is a short one, of which a rank may
    have no row.

    shuffle: in an order of perm v1, another in each epoch, the same in every run; by seed
    (None: one that is drawn, and is in state_dict()), clump_size, shard and window as in
    Permutation.shuffle. columns: those to be read. format: as in Permutation.with_format; None: the
    one that the source was given, else "tensor". transform: a function of the batch. on_error: what
    becomes of rows on which functions fail: "raise"; "skip", "warn", or a function (error, row)
    leave them out, so that the batch is shorter, or has no rows, and the ranks stay in step. With
    workers all functions are called there, with transform_threads by these threads.

    workers: processes that make the batches, 0: this one. transform_threads: threads of this
    process that make them, 0: whoever asks for the next one does. start: "fork", "spawn" or "forkserver".
    prefetch: batches ahead, of each worker. threads: that take rows ahead where there are no
    workers. prefetch_bytes: of what lies ready, without workers. slot_bytes: what one batch of a
    worker may have. timeout: seconds that a worker has for a batch; None: any. restarts: how often
    a worker that died is started anew; 0: WorkerError. persistent: workers stay for the next epoch;
    None: those that are spawned do, forked ones begin anew with what this process has in memory
    then.

    pin_memory: tensors are copied into page-locked memory, where torch finds an accelerator.
    device: tensors are copied to it, "cuda" or another one of torch's; nothing is done for "cpu".
    Both by a thread, one batch ahead, also within dicts, lists and tuples.

    pack_sequences: a column of documents, in blocks of sequence_length: batch sizes are then of
    blocks, and a batch is a dict of tokens, segments and positions (Permutation.packed, with
    eos_id, pad_id, pack_window).

    rank and world_size: None: what find_ranks finds, when an epoch begins. progress: a bar of tqdm.

    Raises TypeError and ValueError that name the argument; WorkerError where a worker ends.
    """

    def __init__(
        self, source, batch_size=None, *, global_batch_size=None, drop_last=False, pad=False,
        shuffle=False, seed=0, clump_size=None, shard=None, window=None, epoch=0, columns=None,
        format=None, transform=None, on_error="raise", workers=0, transform_threads=0, start=None,
        prefetch=2, threads=1, prefetch_bytes=256 << 20, slot_bytes=256 << 20, timeout=None,
        restarts=0, persistent=None, pin_memory=False, device=None,
        pack_sequences=None, sequence_length=None, eos_id=None, pad_id=0, pack_window=1024,
        rank=None, world_size=None, progress=False,
    ):  # fmt: skip
        if (batch_size is None) == (global_batch_size is None):
            raise ValueError("exactly one of batch_size and global_batch_size must be given")
        if drop_last and pad:
            raise ValueError("either drop_last or pad")
        self._batch_size = _whole_or_none("batch_size", batch_size)
        self._global_size = _whole_or_none("global_batch_size", global_batch_size)
        self._last = "drop" if drop_last else "pad" if pad else "short"
        self._ranks = rank, world_size
        self._find_ranks()
        order = {"clump_size": clump_size, "shard": shard, "window": window}
        self._is_drawn = bool(shuffle) and seed is None
        if self._is_drawn and self.world_size > 1:
            raise ValueError("seed=None: each rank would draw another one; give all the same")
        options = {"eos_id": eos_id, "pad_id": pad_id, "window": pack_window}
        self._packing = packing_of(pack_sequences, sequence_length, **options)
        self._source = read(source, columns, format), shuffle, order, transform, on_error
        self._order(seed_of(seed))
        self._making = Making(
            self._permutation._table.start, workers=workers, start=start, persistent=persistent,
            prefetch=prefetch, threads=threads, transform_threads=transform_threads,
            prefetch_bytes=prefetch_bytes, slot_bytes=slot_bytes, timeout=timeout,
            restarts=restarts, pin_memory=pin_memory, device=device,
        )  # fmt: skip
        self._progress = progress
        self._in_torch = None
        self._counters = Counters()
        self._place = whole("epoch", epoch), 0
        self._begins = self._place  # where the next iteration begins

    def _order(self, seed):
        """The units in the order of this seed."""
        read, shuffle, order, transform, on_error = self._source
        self._seed, self._fingerprint = seed, None
        self._permutation = ordered(read, shuffle, seed, order)
        self._units = units_of(self._permutation, transform, on_error, self._packing)

    # Where it is

    @property
    def seed(self):
        """Of the shuffle: as given, or drawn."""
        return self._seed

    @property
    def epoch(self):
        """The epoch that is being read, or comes next."""
        return self._place[0]

    def set_epoch(self, epoch):
        """The next `for batch in loader` is this epoch, from its first batch on."""
        self._move(whole("epoch", epoch), 0)

    def token(self):
        """Where this run is, behind the last batch that was given: a Token, 64 characters at most.
        Good for any number of ranks and workers, and for another batch size."""
        return self.token_at(*self._place)

    def token_at(self, epoch, consumed):
        """The Token of another place."""
        return Token(epoch, consumed, self.fingerprint)

    def resume(self, token):
        """The next `for batch in loader` goes on behind a Token, or its text.

        ValueError: it is no token, or one of another source, order or packing, and which.
        """
        token = self.checked(token)
        self._move(token.epoch, token.units)

    def checked(self, token):
        """The Token of its text; ValueError as in resume."""
        token = token if isinstance(token, Token) else Token.parse(token)
        token.check(self.fingerprint)
        units = len(self._units.with_epoch(token.epoch))
        if token.units > units:
            raise ValueError(f"the token is at unit {token.units} of an epoch of {units}")
        return token

    def skip(self, steps):
        """Goes on so many steps later; those that are left of an epoch at most."""
        schedule = self._schedule(self._place[0])
        size = whole("steps", steps) * schedule.batch
        self._move(self._place[0], min(schedule.units, self._place[1] + size))

    def _move(self, epoch, consumed):
        if consumed and not self._schedule(epoch).steps_from(consumed):
            epoch, consumed = epoch + 1, 0
        self._place = self._begins = epoch, consumed
        if self._in_torch is not None:
            self._in_torch.set(epoch, consumed)

    def state_dict(self):
        """{"token": text}, with the seed where that was drawn."""
        drawn = {"seed": self._seed} if self._is_drawn else {}
        return {"token": str(self.token()), **drawn}

    def load_state_dict(self, state):
        if self._is_drawn and "seed" in state:
            self._order(whole("seed", state["seed"]))
            self._making.forget()
        self.resume(state["token"])

    @property
    def fingerprint(self):
        """Of the source, the order and the packing: what a token is checked against."""
        if self._fingerprint is None:
            self._fingerprint = fingerprint_of(self._permutation, self._packing)
        return self._fingerprint

    # Reading

    def _find_ranks(self):
        return find_ranks(*self._ranks)

    def of_this_rank(self):
        """A copy that stays of this rank, also in a process that would find another one."""
        made = copy.copy(self)
        made._making = copy.copy(self._making)
        ranks = self._find_ranks()
        made._ranks = ranks if ranks[1] > 1 else self._ranks
        return made

    @property
    def world_size(self):
        return self._find_ranks()[1]

    def _schedule(self, epoch):
        rank, world_size = self._find_ranks()
        size = self._global_size or self._batch_size * world_size
        units = len(self._units.with_epoch(epoch))
        return Schedule(units, size, self._last, rank, world_size)

    def __len__(self):
        """The batches of an epoch."""
        return len(self._schedule(self._place[0]))

    def __iter__(self):
        """The rest of the epoch behind resume() or skip(), else the epoch from its beginning."""
        return Iteration(self, *self._begins)

    def part(self, number, of, epoch, consumed):
        """Of the batches behind this place those of every `of`-th step, from step `number` on: an
        iterator of what one of several workers of somebody else's loader makes. The Loader's place
        stays."""
        units, steps = self._at(epoch, consumed)
        source = self._making.here(units, steps, range(number, len(steps), of))
        return (batch for _, batch, _ in source)

    def _at(self, epoch, consumed):
        self._permutation._table.check_files()
        return self._units.with_epoch(epoch), Steps(self._schedule(epoch), consumed)

    def _begin(self, epoch, consumed):
        """(steps, source of their batches)"""
        units, steps = self._at(epoch, consumed)
        return steps, self._making.begin(units, epoch, steps)

    def _stand(self, epoch, consumed, is_last=False):
        """Where the iteration is; the next one begins its epoch anew, or the epoch behind it."""
        self._place = (epoch + 1, 0) if is_last else (epoch, consumed)
        self._begins = self._place[0], 0

    def _bar(self, steps):
        if not self._progress:
            return None
        try:
            import tqdm
        except ImportError:
            return None
        done = len(self) - len(steps)
        return tqdm.tqdm(total=len(self), initial=done, desc=f"epoch {self.epoch}", unit="batch")

    def stats(self):
        """A dict of counters: of batches, units and rows left out since the Loader was made;
        nanoseconds that the reader waited for batches, that taking rows took (fetch_ns) and that
        making batches of them took (transform_ns); bytes read, and lying ready; slots of the
        workers' ring. docs/loader.md has them all."""
        return self._counters.read()

    def torch_dataset(self):
        """An IterableDataset for torch's DataLoader, with batch_size=None; see docs/loader.md."""
        from .torch_dataset import LoaderDataset

        self.in_torch()
        return LoaderDataset(self)

    def torch_loader(self, **options):
        """torch's DataLoader of torch_dataset(), for who takes nothing else (Lightning's Fabric);
        options: its own, such as num_workers."""
        from torch.utils.data import DataLoader

        return DataLoader(self.torch_dataset(), batch_size=None, **options)

    def in_torch(self):
        """The Place of the iterations of torch's DataLoaders."""
        from .torch_dataset import Place

        if self._in_torch is None:
            self._in_torch = Place(*self._begins)
        return self._in_torch


def _whole_or_none(name, value):
    return None if value is None else whole(name, value, 1)
