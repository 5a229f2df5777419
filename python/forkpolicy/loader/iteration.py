# SPDX-License-Identifier: Apache-2.0
"""Iterations: the batches of an epoch, counted, and the Loader's place moved on with each."""

import os
import threading
import time

COUNTED_EVERY = 16  # steps; the library's counters take longer to read


class Iteration:
    """One epoch, or what is left of it, as an iterator. close() ends it before its end.

    Several threads may share it: one of them at a time gets the next batch.
    """

    def __init__(self, loader, epoch, consumed):
        self._loader = loader
        self._epoch = epoch
        self._turn = threading.Lock(), os.getpid()
        self._steps, self._source = loader._begin(epoch, consumed)
        self._bar = loader._bar(self._steps)
        loader._stand(epoch, consumed, is_last=not len(self._steps))
        workers, units = loader._making.workers, self._steps.units
        self._consumed, self._spent = consumed, {}
        loader._counters.set(epoch=epoch, consumed=consumed, units=units, workers=workers)

    def __iter__(self):
        return self

    def __len__(self):
        return len(self._steps)

    def __next__(self):
        turn, owner = self._turn
        if owner != os.getpid():  # a forked child, in which another thread's turn would not end
            self._turn = turn, _ = threading.Lock(), os.getpid()
        with turn:
            return self._next()

    def _next(self):
        begun = time.perf_counter_ns()
        try:
            step, batch, left_out = next(self._source)
        except BaseException as error:
            self._note(error)
            self.close()
            raise
        self._consumed = self._steps.consumed(step)
        self._count(step, left_out, time.perf_counter_ns() - begun)
        is_last = step + 1 == len(self._steps)
        self._loader._stand(self._epoch, self._consumed, is_last)
        if self._bar is not None:
            self._bar.update()
        return batch

    def _count(self, step, left_out, waited):
        counters = self._loader._counters
        counters.given(self._steps.size(step), left_out, waited, self._consumed)
        if step % COUNTED_EVERY == 0 or step + 1 == len(self._steps):
            counters.set(**self._source.counts())
            self._count_time()

    def _count_time(self):
        spent = self._source.spent()
        added = {name: spent[name] - self._spent.get(name, 0) for name in spent}
        self._loader._counters.add(**added)
        self._spent = spent

    def _note(self, error):
        """Where the batch is that an error is about."""
        is_of_batch = isinstance(error, Exception) and not isinstance(error, StopIteration)
        if not is_of_batch or not hasattr(error, "add_note"):  # which Python 3.11 has
            return
        unit, units = self._loader._units.unit, self._steps.units
        place = f"from {unit} {self._consumed} of {units} of epoch {self._epoch} on"
        error.add_note(f"forkpolicy.loader: in the batch {place}")

    def close(self):
        self._source.close()
        if self._bar is not None:
            self._bar.close()
