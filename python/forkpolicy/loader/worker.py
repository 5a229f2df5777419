# SPDX-License-Identifier: Apache-2.0
"""A worker process: makes the steps that are its own, epoch after epoch, and puts them into a ring."""

import ctypes
import fcntl
import multiprocessing
import os
import select
import signal
import sys
import time
import traceback

from ._library import RingBatch
from .errors import picklable
from .ring import Stopped, to_parts

ROWS, OBJECT, ERROR = range(3)  # what a batch of the ring holds
LOOK = 200  # milliseconds between two looks at whether the others live
SHORT = 1000  # characters of an error that is larger than a slot
SIGNALS = signal.SIGINT, signal.SIGTERM
PR_SET_PDEATHSIG = 1
F_SETSIG = 10


class Job:
    """What a worker makes of an epoch: the steps `mine`. base: the number of step 0 in the ring."""

    def __init__(self, epoch, steps, mine, base):
        self.epoch, self.steps, self.mine, self.base = epoch, steps, mine, base


class Reader:
    """The process that reads the batches. is_parent: it has started the worker itself, is_of_main:
    by its main thread; else a fork server has."""

    def __init__(self, process, is_of_main, is_parent):
        self._process, self._is_of_main, self._is_parent = process, is_of_main, is_parent
        self._watched = None

    def bind(self):
        """In the worker, which the reader's end ends at once: unless a thread that is not its main
        thread has started it, whose own end would, too."""
        if self._is_parent:
            if self._is_of_main:
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
            return
        # The other end of this pipe, from which nothing more comes, is closed when the reader ends,
        # or the last process that it has forked since: until then the pidfd is looked at.
        pipe = multiprocessing.parent_process().sentinel
        fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(pipe, F_SETSIG, int(signal.SIGKILL))
        fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
        try:
            self._watched = os.pidfd_open(self._process)
        except (AttributeError, OSError):  # before Python 3.9, Linux 5.3; or it has ended
            pass

    def lives(self):
        if self._is_parent:
            return os.getppid() == self._process
        if self._watched is not None and select.select([self._watched], [], [], 0)[0]:
            return False
        return multiprocessing.parent_process().is_alive()


class _Writer:
    """A worker's end of its lane."""

    def __init__(self, ring, lane, reader):
        self._ring = ring
        self._lane = lane
        self._reader = reader

    def _put(self, put, *arguments):
        """Until there is a slot; for nobody, no more."""
        while not put(self._lane, *arguments, LOOK):
            if not self._reader.lives():
                raise Stopped

    def rows(self, step, array, schema, *told):
        batch = RingBatch(sequence=step, kind=ROWS, values=told)
        self._put(self._ring.put, batch, array, schema)

    def parts(self, step, kind, parts, *told):
        """told: rows left out, and nanoseconds that the take and the making took."""
        batch = RingBatch(sequence=step, kind=kind, values=told)
        self._put(self._ring.put_parts, batch, parts)

    def error(self, step, error):
        """With its traceback as text; short, where a slot has no room for it."""
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        try:
            self.parts(step, ERROR, to_parts((picklable(error), text)))
        except OSError:
            short = RuntimeError(f"{type(error).__name__}: {error}"[:SHORT])
            self.parts(step, ERROR, to_parts((short, text[-SHORT:])))


def _make(writer, units, number, share):
    request, begun = units.request(share), time.perf_counter_ns()
    if units.ships_rows:
        columns = units.columns
        rows = columns.table.take_raw(request, columns.numbers())
        writer.rows(number, *rows, 0, time.perf_counter_ns() - begun)
        return
    taken = units.take(request) if units.columns is None or units.columns.numbers() else None
    fetched = time.perf_counter_ns()
    batch, left_out = units.make(request, taken)
    spent = fetched - begun, time.perf_counter_ns() - fetched
    writer.parts(number, OBJECT, to_parts(batch), left_out, *spent)


def _obey(reader):
    """Ctrl-C is for the reader, who ends this process, as the reader's own end does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    reader.bind()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    if not reader.lives():
        os._exit(1)


def _jobs(first, commands, reader):
    """The first, and then those that come, while the reader lives and wants more."""
    yield first
    while commands is not None:
        try:
            while not commands.poll(LOOK / 1000):
                if not reader.lives():
                    return
            yield commands.recv()
        except (EOFError, OSError):
            return


def work(ring, lane, units, job, commands, reader):
    _obey(reader)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    writer = _Writer(ring, lane, reader)
    try:
        for one in _jobs(job, commands, reader):
            if not _do(writer, units.with_epoch(one.epoch), one):
                return
    except Stopped:
        pass


def _do(writer, units, job):
    """False: an error has ended it."""
    for step in job.mine:
        try:
            _make(writer, units, job.base + step, job.steps.share(step))
        except Stopped:
            raise
        except Exception as error:
            writer.error(job.base + step, error)
            return False
    return True
