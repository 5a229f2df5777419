# SPDX-License-Identifier: Apache-2.0
"""Counters that any process may read: `forkpolicy loader-stats PID` finds them by their memory.

The memory is a memfd called forkloader-stats: records of 32 bytes, a name of 24 and a number of 8.
"""

import mmap
import os

NAME = "forkloader-stats"
ROOM = 4096
RECORD, TEXT = 32, 24  # bytes of a record, and of the name in it
FIELDS = (
    "epoch", "consumed", "units", "batches", "rows", "left_out", "wait_ns", "workers",
    "bytes", "bytes_ahead", "slots_free", "slots_ready", "slots_held", "copies",
    "fetch_ns", "transform_ns",
)  # fmt: skip
PLACES = {name: (RECORD * number + TEXT) // 8 for number, name in enumerate(FIELDS)}

BATCHES, ROWS, LEFT_OUT, WAIT_NS, CONSUMED = (
    PLACES[name] for name in ("batches", "rows", "left_out", "wait_ns", "consumed")
)


class Counters:
    """A number for each of FIELDS; a forked child has its own, from 0 on."""

    def __init__(self):
        self._begin()

    def _begin(self):
        self._owner = os.getpid()
        descriptor = os.memfd_create(NAME, os.MFD_CLOEXEC)
        try:
            os.ftruncate(descriptor, ROOM)
            memory = mmap.mmap(descriptor, ROOM)  # which has a copy of the descriptor
        finally:
            os.close(descriptor)
        for number, name in enumerate(FIELDS):
            memory[RECORD * number : RECORD * number + len(name)] = name.encode()
        self._words = memoryview(memory).cast("Q")

    def __reduce__(self):
        return Counters, ()

    def _here(self):
        if os.getpid() != self._owner:
            self._begin()
        return self._words

    def add(self, **numbers):
        words = self._here()
        for name, number in numbers.items():
            words[PLACES[name]] += number

    def given(self, rows, left_out, waited, consumed):
        """One batch more."""
        words = self._here()
        words[BATCHES] += 1
        words[ROWS] += rows
        words[LEFT_OUT] += left_out
        words[WAIT_NS] += waited
        words[CONSUMED] = consumed

    def set(self, **numbers):
        words = self._here()
        for name, number in numbers.items():
            words[PLACES[name]] = number

    def read(self):
        """A dict."""
        words = self._here()
        return {name: words[place] for name, place in PLACES.items()}
