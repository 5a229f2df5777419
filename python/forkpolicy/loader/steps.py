# SPDX-License-Identifier: Apache-2.0
"""Steps: what is left of an epoch, from some unit on."""


class Steps:
    """The steps of a schedule from unit `start` on, as a sequence of shares."""

    def __init__(self, schedule, start):
        self._schedule = schedule
        self._start = start
        self._count = schedule.steps_from(start)

    def __len__(self):
        return self._count

    @property
    def units(self):
        """Of the whole epoch."""
        return self._schedule.units

    def share(self, step):
        """This rank's units: a list of (first, count)."""
        return self._schedule.runs(step, self._start)

    def size(self, step):
        """How many units this rank has of the step."""
        return self._schedule.size(step, self._start)

    def consumed(self, step):
        """How many units of the epoch are consumed after the step."""
        return self._schedule.consumed(step, self._start)
