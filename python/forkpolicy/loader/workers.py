# SPDX-License-Identifier: Apache-2.0
"""Batches made by worker processes: each has a lane of a ring, and every n-th step."""

import ctypes
import multiprocessing
import multiprocessing.connection  # which join() needs, also when the interpreter ends
import multiprocessing.forkserver
import multiprocessing.resource_tracker
import os
import signal
import threading
import time
import weakref

import pyarrow

from .ring import Ring, from_parts
from .worker import ERROR, LOOK, ROWS, SIGNALS, Job, Reader, work

END = 5  # seconds that all workers have to end
AGAIN = 0.05  # seconds


class WorkerError(RuntimeError):
    """A worker process ended, or did not answer in time."""


class _Remote(Exception):
    """The traceback of a worker, as the cause of its error."""

    def __str__(self):
        return f"\n\n{self.args[0]}"


def _start(process):
    """Signals come to it only when they are no more handled as in the reader."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        process.start()
        # At its exit a forked child of the reader would end what is listed there.
        multiprocessing.process._children.discard(process)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _lives(process):
    """False also where somebody else has waited for it, of which multiprocessing hears nothing."""
    if process._popen.method == "forkserver":  # which waits for it, and tells
        return process.is_alive()
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
    if code == -signal.SIGBUS:
        return "was ended by SIGBUS (a mapped file was truncated, or shared memory has run out)"
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
    stay: workers that have made an epoch wait for the next one, which `again` begins.
    """

    def __init__(
        self, units, epoch, steps, workers, prefetch, start, slot_bytes, timeout, restarts, stay
    ):
        self._units, self._epoch, self._steps = units, epoch, steps
        self._next = self._base = 0
        self._fetch_ns = self._transform_ns = 0
        self._stay, self._is_idle = stay, False
        self._count = workers
        self._timeout = timeout
        self._restarts = restarts
        self._context = multiprocessing.get_context(start)
        self._owner = os.getpid()
        self._ring = Ring(workers, prefetch + 2, slot_bytes)
        self._processes, self._commands = [], {}
        self._finish = weakref.finalize(self, _finish, self._ring, self._processes, self._owner)
        # Processes that stay: the first worker would start them with its signals blocked, or let signals in.
        if start != "fork":
            multiprocessing.resource_tracker.ensure_running()
        if start == "forkserver":
            multiprocessing.forkserver.ensure_running()
        try:
            for lane in range(min(workers, len(steps))):
                self._processes.append(self._worker(lane, lane))
                _start(self._processes[lane])
        except BaseException:
            self.close()
            raise

    def _job(self, first):
        mine = range(first, len(self._steps), self._count)
        return Job(self._epoch, self._steps, mine, self._base)

    def _worker(self, lane, first):
        commands = None
        if self._stay:
            commands, self._commands[lane] = self._context.Pipe(duplex=False)
        of = self._ring, lane, self._units, self._job(first), commands, self._reader()
        return self._context.Process(target=work, args=of, name=f"forkloader-{lane}", daemon=True)

    def _reader(self):
        is_of_main = threading.current_thread() is threading.main_thread()
        return Reader(self._owner, is_of_main, self._context.get_start_method() != "forkserver")

    def again(self, units, epoch, steps):
        """Begins another epoch with the workers that stayed; False: there are not as many."""
        ready = self._is_idle and os.getpid() == self._owner and self._finish.alive
        lanes = min(self._count, len(steps))
        if not ready or len(self._processes) < lanes or not all(map(_lives, self._processes)):
            return False
        self._base += len(self._steps)
        self._units, self._epoch, self._steps = units, epoch, steps
        self._next, self._is_idle = 0, False
        self._fetch_ns = self._transform_ns = 0
        for lane in range(lanes):
            self._commands[lane].send(self._job(lane))
        return True

    def __next__(self):
        if os.getpid() != self._owner:
            raise RuntimeError(
                f"this iteration is of process {self._owner}: a forked child starts its own, with"
                " iter(loader)"
            )
        step = self._next
        if step == len(self._steps):
            self._is_idle = self._stay and self._finish.alive
            self.close()
            raise StopIteration
        found = self._wait(step % self._count, step)
        self._next += 1
        return (step, *self._open(step, *found))

    def _wait(self, lane, step):
        begun = time.monotonic()
        while True:
            process = self._processes[lane]
            found = self._ring.get(lane, self._base + step, LOOK)
            lives = found is not None or _lives(process)
            if not lives:
                found = self._ring.get(lane, self._base + step, 0)  # what it has put before it ended
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
        left_out, fetch_ns, transform_ns = batch.values[:3]
        self._fetch_ns += fetch_ns
        self._transform_ns += transform_ns
        if batch.kind == ROWS:
            return self._make(step, array, schema)
        value = from_parts(array, schema)
        if batch.kind == ERROR:
            error, text = value
            self.close()
            raise error from _Remote(text)
        return value, left_out

    def _make(self, step, array, schema):
        begun = time.perf_counter_ns()
        taken = pyarrow.RecordBatch._import_from_c(
            ctypes.addressof(array), ctypes.addressof(schema)
        )
        made = self._units.make(self._units.request(self._steps.share(step)), taken)
        self._transform_ns += time.perf_counter_ns() - begun
        return made

    def counts(self):
        found = self._ring.counts()
        slots = {f"slots_{state}": found[state] for state in ("free", "ready", "held")}
        return {"bytes": found["bytes"], "copies": found["copies"], **slots}

    def spent(self):
        """Nanoseconds of this epoch: {"fetch_ns": of takes, "transform_ns": of the making}"""
        return {"fetch_ns": self._fetch_ns, "transform_ns": self._transform_ns}

    def close(self):
        """Ends the workers, unless they have made all steps and stay; batches that are held stay
        as they are."""
        self._next = len(self._steps)
        if not self._is_idle:
            self._finish()
