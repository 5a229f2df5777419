# SPDX-License-Identifier: Apache-2.0
"""The Loader: an epoch's batches, one after the other, for this rank."""

import copy
import numbers

from ._check import seed_of, whole
from .ahead import Ahead
from .counters import Counters
from .iteration import Iteration
from .ranks import find_ranks
from .recipe import fingerprint_of, ordered, packing_of, read, units_of
from .schedule import Schedule
from .steps import Steps
from .token import Token
from .workers import Workers

STARTS = ("fork", "spawn")


class Loader:
    """Batches of a table or Permutation, for training; `for batch in loader` is one epoch.

    source: a Permutation (a mixture, a weighted one ...), or anything Permutation.identity takes.

    batch_size: rows of this rank's batch; or global_batch_size: of all ranks' together, which then
    are the same however many ranks there are. drop_last leaves out a tail that is no whole global
    batch, pad fills it up with the epoch's first rows; else it is a short one, of which a rank may
    have no row.

    shuffle: in an order of perm v1, another in each epoch, the same in every run; by seed
    (None: one that is drawn, and is in state_dict()), clump_size, shard and window as in Permutation.shuffle. columns: those to be read. format: as in
    Permutation.with_format; None: the one that the source was given, else "tensor". transform: a
    function of the batch. on_error: what becomes of rows on which functions fail: "raise"; "skip",
    "warn", or a function (error, row) leave them out, so that the batch is shorter, or has no rows,
    and the ranks stay in step. With workers all functions are called there.

    workers: processes that make the batches, 0: this one. start: "fork" or "spawn". prefetch:
    batches ahead, of each worker. threads: that take rows ahead where there are no workers.
    prefetch_bytes: of what lies ready, without workers. slot_bytes: what one batch of a worker may
    have. timeout: seconds that a worker has for a batch; None: any. restarts: how often a worker
    that died is started anew; 0: WorkerError. persistent: workers stay for the next epoch; None:
    those that are spawned do, forked ones begin anew with what this process has in memory then.

    pack_sequences: a column of documents, in blocks of sequence_length: batch sizes are then of
    blocks, and a batch is a dict of tokens, segments and positions (Permutation.packed, with
    eos_id, pad_id, pack_window).

    rank and world_size: None: what find_ranks finds, when an epoch begins. progress: a bar of tqdm.

    Raises TypeError and ValueError that name the argument; WorkerError where a worker ends.
    """

    def __init__(
        self, source, batch_size=None, *, global_batch_size=None, drop_last=False, pad=False,
        shuffle=False, seed=0, clump_size=None, shard=None, window=None, epoch=0, columns=None,
        format=None, transform=None, on_error="raise", workers=0, start=None, prefetch=2,
        threads=1, prefetch_bytes=256 << 20, slot_bytes=256 << 20, timeout=None, restarts=0, persistent=None,
        pack_sequences=None, sequence_length=None, eos_id=None, pad_id=0, pack_window=1024,
        rank=None, world_size=None, progress=False,
    ):  # fmt: skip
        if (batch_size is None) == (global_batch_size is None):
            raise ValueError("exactly one of batch_size and global_batch_size must be given")
        if drop_last and pad:
            raise ValueError("either drop_last or pad")
        if start is not None and start not in STARTS:
            raise ValueError(f"start must be one of {', '.join(STARTS)}, not {start!r}")
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
        self._arrange(seed_of(seed))
        self._ahead = {
            "prefetch": whole("prefetch", prefetch, 0, 1023),
            "threads": whole("threads", threads, 0, 257),
            "most_bytes": whole("prefetch_bytes", prefetch_bytes),
        }
        self._of_workers = {
            "workers": whole("workers", workers, 0, 1024),
            "prefetch": self._ahead["prefetch"],
            "start": self._start(start),
            "slot_bytes": whole("slot_bytes", slot_bytes, 1),
            "timeout": _seconds("timeout", timeout),
            "restarts": whole("restarts", restarts),
        }
        start = self._of_workers["start"]
        self._of_workers["stay"] = start != "fork" if persistent is None else bool(persistent)
        self._progress = progress
        self._in_torch = None
        self._counters = Counters()
        self._place = whole("epoch", epoch), 0
        self._begins = self._place  # where the next iteration begins

    def _arrange(self, seed):
        """The units in the order of this seed."""
        read, shuffle, order, transform, on_error = self._source
        self._seed, self._fingerprint, self._workers = seed, None, None
        self._permutation = ordered(read, shuffle, seed, order)
        self._units = units_of(self._permutation, transform, on_error, self._packing)

    def _start(self, start):
        """fork, unless the source has threads that a forked child would lack."""
        needed = self._permutation._table.start
        if needed is not None and start not in (None, needed):
            raise ValueError(f"start must be {needed!r} for this source, not {start!r}")
        return start or needed or "fork"

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
            self._arrange(whole("seed", state["seed"]))
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

    def __getstate__(self):
        return {**self.__dict__, "_workers": None}

    def of_this_rank(self):
        """A copy that stays of this rank, also in a process that would find another one."""
        made = copy.copy(self)
        made._workers = None
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
        source = Ahead(units, steps, **self._ahead, numbers=range(number, len(steps), of))
        return (batch for _, batch, _ in source)

    def _at(self, epoch, consumed):
        return self._units.with_epoch(epoch), Steps(self._schedule(epoch), consumed)

    def _begin(self, epoch, consumed):
        """(steps, source of their batches)"""
        units, steps = self._at(epoch, consumed)
        if self._of_workers["workers"]:
            if self._workers is None or not self._workers.again(units, epoch, steps):
                self._workers = None  # those that are there end with whoever reads from them
                made = Workers(units, epoch, steps, **self._of_workers)
                if not self._of_workers["stay"]:
                    return steps, made
                self._workers = made
            return steps, self._workers
        return steps, Ahead(units, steps, **self._ahead)

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
        nanoseconds that the reader waited for batches; bytes read, and lying ready; slots of the
        workers' ring."""
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


def _seconds(name, value):
    if value is not None and not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be seconds or None, not {type(value).__name__}")
    if value is not None and not value > 0:
        raise ValueError(f"{name} must be above 0, not {value}")
    return value
