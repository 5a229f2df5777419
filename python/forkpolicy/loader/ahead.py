# SPDX-License-Identifier: Apache-2.0
"""Batches made in this process: rows are taken ahead by threads of the library."""

from collections import deque


class Ahead:
    """Batches of steps: next() gives (step, batch, rows left out).

    numbers: of the steps, None: all. prefetch: how many batches are asked for ahead, of which
    threads take the rows; most_bytes: of what lies ready. In a forked child it goes on with threads
    of its own.
    """

    def __init__(self, units, steps, prefetch, threads, most_bytes, numbers=None):
        self._units = units
        self._steps = steps
        self._left = iter(range(len(steps)) if numbers is None else numbers)
        self._asked = deque()
        self._length = prefetch + 1
        columns = units.columns
        self._columns = columns.numbers() if columns is not None else []
        self._prefetch = columns.table.ahead(threads, most_bytes) if self._columns else None

    def __iter__(self):
        return self

    def __next__(self):
        self._ask()
        if not self._asked:
            raise StopIteration
        step, request = self._asked.popleft()
        if self._prefetch is None:
            taken = self._units.take(request) if self._units.columns is None else None
        else:
            taken = self._prefetch.next(self._units.columns.schema_taken)
            self._ask()
        batch, left_out = self._units.make(request, taken)
        return step, batch, left_out

    def _ask(self):
        while len(self._asked) < self._length:
            step = next(self._left, None)
            if step is None:
                return
            request = self._units.request(self._steps.share(step))
            if self._prefetch is not None:
                self._prefetch.submit(self._units.columns.table, request, self._columns)
            self._asked.append((step, request))

    def counts(self):
        found = self._prefetch.counts() if self._prefetch is not None else {}
        return {"bytes": found.get("bytes", 0), "bytes_ahead": found.get("bytes_ahead", 0)}

    def close(self):
        self._asked.clear()
        self._left = iter(())
        self._prefetch = None
