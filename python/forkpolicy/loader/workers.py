# SPDX-License-Identifier: Apache-2.0
"""Batches made by worker processes: each has a lane of a ring, and every n-th step."""

import ctypes
import multiprocessing
import multiprocessing.connection  # which join() needs, also when the interpreter ends
import multiprocessing.resource_tracker
import os
import pickle
import signal
import sys
import threading
import time
import traceback
import weakref

import pyarrow

from ._library import RingBatch
from .ring import Ring, Stopped, from_parts, to_parts

ROWS, OBJECT, ERROR = range(3)  # what a batch of the ring holds
LOOK = 200  # milliseconds between two looks at whether the others live
END = 5  # seconds that all workers have to end
AGAIN = 0.05  # seconds
SHORT = 1000  # characters of an error that is larger than a slot
SIGNALS = signal.SIGINT, signal.SIGTERM
PR_SET_PDEATHSIG = 1


class WorkerError(RuntimeError):
    """A worker process ended, or did not answer in time."""


class _Remote(Exception):
    """The traceback of a worker, as the cause of its error."""

    def __str__(self):
        return f"\n\n{self.args[0]}"


def _picklable(error):
    try:
        pickle.loads(pickle.dumps(error))
        return error
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")


class _Writer:
    """A worker's end of its lane."""

    def __init__(self, ring, lane, parent):
        self._ring = ring
        self._lane = lane
        self._parent = parent

    def _put(self, put, *arguments):
        """Until there is a slot; for nobody, no more."""
        while not put(self._lane, *arguments, LOOK):
            if os.getppid() != self._parent:
                raise Stopped

    def rows(self, step, array, schema):
        self._put(self._ring.put, RingBatch(sequence=step, kind=ROWS), array, schema)

    def parts(self, step, kind, parts, left_out=0):
        batch = RingBatch(sequence=step, kind=kind)
        batch.values[0] = left_out
        self._put(self._ring.put_parts, batch, parts)

    def error(self, step, error):
        """With its traceback as text; short, where a slot has no room for it."""
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        try:
            self.parts(step, ERROR, to_parts((_picklable(error), text)))
        except OSError:
            short = RuntimeError(f"{type(error).__name__}: {error}"[:SHORT])
            self.parts(step, ERROR, to_parts((short, text[-SHORT:])))


def _make(writer, units, step, share):
    request = units.request(share)
    if units.ships_rows:
        columns = units.columns
        writer.rows(step, *columns.table.take_raw(request, columns.numbers()))
        return
    taken = units.take(request) if units.columns is None or units.columns.numbers() else None
    batch, left_out = units.make(request, taken)
    writer.parts(step, OBJECT, to_parts(batch), left_out)


def _start(process):
    """Signals come to it only when they are no more handled as in the reader."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        process.start()
        # At its exit a forked child of the reader would end what is listed there.
        multiprocessing.process._children.discard(process)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _obey(parent, is_of_main):
    """Ctrl-C is for the reader, who ends this process, as the reader's own end does: at once where
    its main thread has started this process, whose end is no other thread's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if is_of_main:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    if os.getppid() != parent:
        os._exit(1)


def _work(ring, lane, units, steps, mine, parent, is_of_main):
    _obey(parent, is_of_main)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    writer = _Writer(ring, lane, parent)
    try:
        for step in mine:
            try:
                _make(writer, units, step, steps.share(step))
            except Stopped:
                raise
            except Exception as error:
                writer.error(step, error)
                return
    except Stopped:
        pass


def _lives(process):
    """False also where somebody else has waited for it, of which multiprocessing hears nothing."""
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


def _finish(ring, processes, owner):
    if os.getpid() != owner:
        return
    try:
        _end(ring, processes)
    except KeyboardInterrupt:  # of which nobody hears in a finalizer: it comes again behind it
        _end(ring, processes)
        main = threading.main_thread().ident
        again = threading.Timer(AGAIN, signal.pthread_kill, (main, signal.SIGINT))
        again.daemon = True
        again.start()


def _end(ring, processes):
    ring.stop()
    processes = [process for process in processes if process.pid is not None and _lives(process)]
    for process in processes:
        process.terminate()
    until = time.monotonic() + END
    for process in processes:
        process.join(max(0, until - time.monotonic()))
        if _lives(process):
            process.kill()
            process.join()


def _said(code):
    if code is None:
        return "has ended"
    if code < 0:
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"
    return f"ended with status {code}"


class Workers:
    """Batches of steps: next() gives (step, batch, rows left out).

    A batch of rows, arrays and tensors is a view of memory that is shared with the worker, who gets
    it back when nothing refers to the batch any more; where the last free slot of a lane would be
    held, it is a copy. restarts: how often a worker that died is started anew, at its step.
    """

    def __init__(self, units, steps, workers, prefetch, start, slot_bytes, timeout, restarts):
        self._units = units
        self._steps = steps
        self._next = 0
        self._count = workers
        self._timeout = timeout
        self._restarts = restarts
        self._context = multiprocessing.get_context(start)
        self._owner = os.getpid()
        self._ring = Ring(workers, prefetch + 2, slot_bytes)
        self._processes = []
        self._finish = weakref.finalize(self, _finish, self._ring, self._processes, self._owner)
        if start == "spawn":
            multiprocessing.resource_tracker.ensure_running()  # or the first start lets signals in
        try:
            for lane in range(min(workers, len(steps))):
                self._processes.append(self._worker(lane, lane))
                _start(self._processes[lane])
        except BaseException:
            self.close()
            raise

    def _worker(self, lane, first):
        mine = range(first, len(self._steps), self._count)
        is_of_main = threading.current_thread() is threading.main_thread()
        of = self._ring, lane, self._units, self._steps, mine, self._owner, is_of_main
        return self._context.Process(
            target=_work, args=of, name=f"forkloader-{lane}", daemon=True
        )

    def __next__(self):
        if os.getpid() != self._owner:
            raise RuntimeError(
                f"this iteration is of process {self._owner}: a forked child starts its own, with"
                " iter(loader)"
            )
        step = self._next
        if step == len(self._steps):
            self.close()
            raise StopIteration
        found = self._wait(step % self._count, step)
        self._next += 1
        return (step, *self._open(step, *found))

    def _wait(self, lane, step):
        begun = time.monotonic()
        while True:
            process = self._processes[lane]
            found = self._ring.get(lane, step, LOOK)
            lives = found is not None or _lives(process)
            if not lives:
                found = self._ring.get(lane, step, 0)  # what it has put before it ended
            if found is not None:
                return found
            if not lives:
                self._replace(lane, step)
            elif self._timeout is not None and time.monotonic() - begun > self._timeout:
                self.close()
                raise WorkerError(
                    f"worker {lane} (pid {process.pid}) has not made step {step} within"
                    f" {self._timeout} s (timeout)"
                )

    def _replace(self, lane, step):
        process = self._processes[lane]
        self._ring.reap(process.pid)
        if not self._restarts:
            self.close()
            raise WorkerError(
                f"worker {lane} (pid {process.pid}) {_said(process.exitcode)} before it had made"
                f" step {step}"
            )
        self._restarts -= 1
        self._processes[lane] = self._worker(lane, step)
        _start(self._processes[lane])

    def _open(self, step, batch, array, schema):
        if batch.kind == ROWS:
            taken = pyarrow.RecordBatch._import_from_c(
                ctypes.addressof(array), ctypes.addressof(schema)
            )
            return self._units.make(self._units.request(self._steps.share(step)), taken)
        value = from_parts(array, schema)
        if batch.kind == ERROR:
            error, text = value
            self.close()
            raise error from _Remote(text)
        return value, batch.values[0]

    def counts(self):
        found = self._ring.counts()
        slots = {f"slots_{state}": found[state] for state in ("free", "ready", "held")}
        return {"bytes": found["bytes"], "copies": found["copies"], **slots}

    def close(self):
        """Ends the workers; batches that are held stay as they are."""
        self._next = len(self._steps)
        self._finish()
