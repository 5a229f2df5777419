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
        workers, units = loader._of_workers["workers"], self._steps.units
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
        except BaseException:
            self.close()
            raise
        self._count(step, left_out, time.perf_counter_ns() - begun)
        is_last = step + 1 == len(self._steps)
        self._loader._stand(self._epoch, self._steps.consumed(step), is_last)
        if self._bar is not None:
            self._bar.update()
        return batch

    def _count(self, step, left_out, waited):
        counters, consumed = self._loader._counters, self._steps.consumed(step)
        counters.given(self._steps.size(step), left_out, waited, consumed)
        if step % COUNTED_EVERY == 0 or step + 1 == len(self._steps):
            counters.set(**self._source.counts())

    def close(self):
        self._source.close()
        if self._bar is not None:
            self._bar.close()
