# SPDX-License-Identifier: Apache-2.0
"""Schedules: which units of an epoch each step of each rank has."""

import numpy

from ._check import whole

LAST = ("short", "drop", "pad")
UNITS_END = 1 << 62  # so that a position and a batch together fit an int64


class Schedule:
    """The global batches of an epoch and each rank's share of them: plain arithmetic, no state.

    units: how many rows, or packed blocks, the epoch has. batch: how many of them the global batch
    of a step has. last: what becomes of a tail that is no whole batch: a "short" global batch,
    "drop", or "pad": it is filled up with the epoch's first units, as often around as that takes.

    An epoch may be entered at any unit: `start`, the first one that is not consumed yet, whatever
    the batch was before. Step 0 is then the units from `start` on, step s those from
    start + s * batch on. All ranks have the same steps. Of a global batch of n units a rank has
    those from n * rank // world_size to n * (rank + 1) // world_size, the end not included; so the
    shares of all ranks, one after the other, are the global batch, whatever the world_size. A share
    may be empty where n < world_size.

    Raises ValueError, or TypeError for what is no int, naming the argument.
    """

    def __init__(self, units, batch, last="short", rank=0, world_size=1):
        self.units = whole("units", units, 0, UNITS_END)
        self.batch = whole("batch", batch, 1, UNITS_END)
        if last not in LAST:
            raise ValueError(f"last must be one of {', '.join(LAST)}, not {last!r}")
        self.last = last
        self.world_size = whole("world_size", world_size, 1)
        self.rank = whole("rank", rank, 0, self.world_size)

    def __repr__(self):
        return (
            f"Schedule({self.units}, {self.batch}, {self.last!r}, rank={self.rank},"
            f" world_size={self.world_size})"
        )

    def __len__(self):
        """The steps of an epoch from its first unit on."""
        return self.steps_from(0)

    def steps_from(self, start):
        """How many steps are left where the units before `start` are consumed."""
        left = self.units - whole("start", start, 0, self.units + 1)
        return left // self.batch if self.last == "drop" else -(-left // self.batch)

    def consumed(self, step, start=0):
        """How many units of the epoch are consumed after this step: the next `start`."""
        self._check(step, start)
        return min(self.units, start + (step + 1) * self.batch)

    def batch_of(self, step, start=0):
        """How many units the global batch of this step has."""
        self._check(step, start)
        left = self.units - start - step * self.batch
        return min(self.batch, left) if self.last == "short" else self.batch

    def size(self, step, start=0):
        """How many units this rank has of the step."""
        count = self.batch_of(step, start)
        return count * (self.rank + 1) // self.world_size - count * self.rank // self.world_size

    def runs(self, step, start=0):
        """This rank's share as a list of (first, count), each a run of units one after the other.

        It is one run, or none where the share is empty, or more where "pad" begins again at the
        epoch's first unit. IndexError for a step that is not there.
        """
        count = self.batch_of(step, start)
        begin = count * self.rank // self.world_size
        left = count * (self.rank + 1) // self.world_size - begin
        place = (start + step * self.batch + begin) % max(1, self.units)
        found = []
        while left:
            run = min(left, self.units - place)
            found.append((place, run))
            left -= run
            place = 0
        return found

    def share(self, step, start=0):
        """The positions of this rank's units in the epoch's order: an int64 array."""
        found = [numpy.arange(first, first + count) for first, count in self.runs(step, start)]
        return numpy.concatenate(found or [()]).astype(numpy.int64, copy=False)

    def _check(self, step, start):
        steps = self.steps_from(start)
        if not 0 <= step < steps:
            raise IndexError(f"step {step} is out of range for {steps} steps from unit {start} on")
