# SPDX-License-Identifier: Apache-2.0
"""Making: who makes the batches of an epoch: this process, threads of it, or worker processes."""

import numbers

from ._check import whole
from .ahead import Ahead, Taken
from .devices import Move
from .workers import Workers

STARTS = ("fork", "spawn", "forkserver")


class Making:
    """The Loader's arguments of this name; needed: how the source's workers have to be started."""

    def __init__(
        self, needed, *, workers, start, persistent, prefetch, threads, transform_threads,
        prefetch_bytes, slot_bytes, timeout, restarts, pin_memory, device,
    ):  # fmt: skip
        self._taking = {
            "prefetch": whole("prefetch", prefetch, 0, 1023),
            "threads": whole("threads", threads, 0, 257),
            "most_bytes": whole("prefetch_bytes", prefetch_bytes),
        }
        self.workers = whole("workers", workers, 0, 1024)
        self._threads = whole("transform_threads", transform_threads, 0, 257)
        if self.workers and self._threads:
            raise ValueError("either workers or transform_threads")
        start = _start(start, needed)
        self._of_workers = {
            "workers": self.workers,
            "prefetch": self._taking["prefetch"],
            "start": start,
            "slot_bytes": whole("slot_bytes", slot_bytes, 1),
            "timeout": _seconds("timeout", timeout),
            "restarts": whole("restarts", restarts),
            "stay": start != "fork" if persistent is None else bool(persistent),
        }
        self._move = Move(pin_memory, device)
        self._stayed = None  # Workers

    def __getstate__(self):
        return {**self.__dict__, "_stayed": None}

    def forget(self):
        """No worker stays."""
        self._stayed = None

    def here(self, units, steps, numbers=None):
        """Batches that this process makes, of all steps or of these."""
        taken = Taken(units, steps, **self._taking, numbers=numbers)
        return Ahead(units, taken, self._threads, self._taking["prefetch"])

    def begin(self, units, epoch, steps):
        """The source of an epoch's batches: next() gives (step, batch, rows left out)."""
        made = self._by_workers(units, epoch, steps) if self.workers else self.here(units, steps)
        return self._move.over(made)

    def _by_workers(self, units, epoch, steps):
        if self._stayed is not None and self._stayed.again(units, epoch, steps):
            return self._stayed
        self._stayed = None  # those that are there end with whoever reads from them
        made = Workers(units, epoch, steps, **self._of_workers)
        self._stayed = made if self._of_workers["stay"] else None
        return made


def _start(start, needed):
    """fork, unless the source has threads that a forked child would lack."""
    if start is not None and start not in STARTS:
        raise ValueError(f"start must be one of {', '.join(STARTS)}, not {start!r}")
    if needed == "spawn" and start == "forkserver":
        return start  # as good: a process without this one's threads
    if needed is not None and start not in (None, needed):
        raise ValueError(f"start must be {needed!r} for this source, not {start!r}")
    return start or needed or "fork"


def _seconds(name, value):
    if value is not None and not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be seconds or None, not {type(value).__name__}")
    if value is not None and not value > 0:
        raise ValueError(f"{name} must be above 0, not {value}")
    return value
