# SPDX-License-Identifier: Apache-2.0
"""Batches made in this process: of rows that threads of the library take ahead, by this thread or
by others."""

import time
from collections import deque

from .pool import ByThreads

FEW = 512  # rows that are taken at once, at least, where batches are small


class Taken:
    """What is taken of steps: next() gives (step, request, what was taken of it).

    numbers: of the steps, None: all. prefetch: how many batches are asked for ahead, of which
    threads take the rows; most_bytes: of what lies ready. Small batches are slices of one take of
    several steps. In a forked child it goes on with threads of its own.
    """

    def __init__(self, units, steps, prefetch, threads, most_bytes, numbers=None):
        self._units = units
        self._steps = steps
        self._left = iter(range(len(steps)) if numbers is None else numbers)
        self._asked = deque()  # lists of (step, request), taken at once
        self._ready = deque()  # (step, request, what was taken of it)
        self._length = prefetch + 1
        self._fetch_ns = 0  # of what this thread has taken
        columns = units.columns
        self._columns = columns.numbers() if columns is not None else []
        self._prefetch = columns.table.ahead(threads, most_bytes) if self._columns else None
        rows = steps.size(0) if len(steps) else 0
        self._at_once, self._is_begun = 1, False
        if self._prefetch is not None and prefetch and rows:
            self._at_once = max(1, max(FEW, columns.table.rows_at_once) // rows)

    def __iter__(self):
        return self

    def __next__(self):
        if not self._ready:
            self._take()
        return self._ready.popleft()

    def _take(self):
        """What was asked for first; StopIteration at the end."""
        self._ask()
        if not self._asked:
            raise StopIteration
        asked = self._asked.popleft()
        if self._prefetch is None:
            ((step, request),) = asked
            self._ready.append((step, request, self._take_here(request)))
            return
        found, first = self._prefetch.next(self._units.columns.schema_taken), 0
        if not self._is_begun:  # after the first take: that one should not wait for more than it needs
            self._is_begun = True
            self._units.columns.table.read_ahead()
        self._ask()
        for step, request in asked:
            part = found if len(asked) == 1 else found.slice(first, len(request))
            self._ready.append((step, request, part))
            first += len(request)

    def _take_here(self, request):
        if self._units.columns is not None:
            return None
        begun = time.perf_counter_ns()
        taken = self._units.take(request)
        self._fetch_ns += time.perf_counter_ns() - begun
        return taken

    def _ask(self):
        while len(self._asked) < self._length:
            steps = [step for _, step in zip(range(self._at_once), self._left)]
            if not steps:
                return
            shares = [self._steps.share(step) for step in steps]
            request = self._units.request(_merged(shares))
            if self._prefetch is not None:
                self._prefetch.submit(self._units.columns.table, request, self._columns)
            asked, first = [], 0
            for step, share in zip(steps, shares):
                count = sum(count for _, count in share)
                asked.append((step, request[first : first + count]))
                first += count
            self._asked.append(asked)

    def counts(self):
        found = self._prefetch.counts() if self._prefetch is not None else {}
        return {"bytes": found.get("bytes", 0), "bytes_ahead": found.get("bytes_ahead", 0)}

    def spent(self):
        """Nanoseconds: {"fetch_ns": of all takes}"""
        found = self._prefetch.counts() if self._prefetch is not None else {}
        return {"fetch_ns": self._fetch_ns + found.get("take_ns", 0)}

    def close(self):
        self._asked.clear()
        self._ready.clear()
        self._left = iter(())
        self._prefetch = None


class Ahead:
    """Batches of steps, in order: next() gives (step, batch, rows left out).

    taken: a Taken. threads: 0: whoever asks makes the batch; else so many threads make batches, up
    to `ahead` more than there are threads.
    """

    def __init__(self, units, taken, threads=0, ahead=0):
        make = _maker(units)
        self._taken = taken
        self._made = ByThreads(taken, make, threads, ahead) if threads else map(make, taken)
        self._transform_ns = 0

    def __iter__(self):
        return self

    def __next__(self):
        made, nanoseconds = next(self._made)
        self._transform_ns += nanoseconds
        return made

    def counts(self):
        return self._taken.counts()

    def spent(self):
        """Nanoseconds: {"fetch_ns": of all takes, "transform_ns": of what made batches of them}"""
        return {**self._taken.spent(), "transform_ns": self._transform_ns}

    def close(self):
        self._taken.close()
        if isinstance(self._made, ByThreads):
            self._made.close()


def _maker(units):
    def make(item):
        step, request, taken = item
        begun = time.perf_counter_ns()
        batch, left_out = units.make(request, taken)
        return (step, batch, left_out), time.perf_counter_ns() - begun

    return make


def _merged(shares):
    """One share, in which runs that lie one behind the other are one."""
    made = []
    for share in shares:
        for first, count in share:
            if made and sum(made[-1]) == first:
                made[-1] = made[-1][0], made[-1][1] + count
            else:
                made.append((first, count))
    return made
