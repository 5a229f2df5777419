# SPDX-License-Identifier: Apache-2.0
"""A table of LanceDB that a process of its own reads, for a forked child, which lacks its threads."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections import deque
from multiprocessing import Pipe, spawn

import numpy
import pyarrow

SERVE = f"import sys; sys.path[:] = sys.argv[2:]; from {__package__}.lance_server import main; main()"


def _end(connection, process):
    """It only reads, so that it may be ended at any moment."""
    connection.close()
    process.kill()
    process.wait()


class Reader:
    """The calls of an OpenTable. Its process is started by the first one, and by the next one after
    it has ended; it ends with this object, and when this process has ended, in any way."""

    def __init__(self, uri, version=None, options=None):
        self._opened = uri, version, options
        self._lock = threading.Lock()
        self._numbers, self._given_up = itertools.count(), deque()  # of scans
        self._connection = self._process = self._finalizer = None
        self.version, self.schema = self._ask("about")

    def count_rows(self):
        return self._ask("count_rows")

    def has_nulls(self, name):
        return self._ask("has_nulls", name)

    def take(self, rows, columns):
        return self._ask("take", numpy.asarray(rows), list(columns))

    def scan(self, columns):
        """A batch a question, so that takes may come between. Whoever gives up asks nothing: that
        may be the garbage collector, in the middle of a question."""
        number, first = next(self._numbers), 0
        self._ask("scan", number, list(columns))
        try:
            while True:
                batch = self._ask("scanned", number)
                if batch is None:
                    return
                yield first, batch
                first += batch.num_rows
        finally:
            self._given_up.append(number)

    def close(self):
        finalizer, self._finalizer, self._connection = self._finalizer, None, None
        if finalizer is not None:
            finalizer()

    def forget(self):
        """In a forked child: the process is the parent's."""
        if self._finalizer is not None:
            self._finalizer.detach()
            self._connection.close()
            self._process.returncode = 0  # nothing to wait for

    def _ask(self, *question):
        with self._lock:
            try:
                if self._connection is None:
                    self._start()
                failed, answer = self._exchange((*question, self._take_given_up()))
            except (EOFError, OSError) as error:
                raise RuntimeError(self._how_ended()) from error
            except BaseException:
                self.close()  # after Ctrl-C its answer is still to come
                raise
        if failed:
            raise answer
        return answer

    def _take_given_up(self):
        return [self._given_up.popleft() for _ in range(len(self._given_up))]

    def _exchange(self, question):
        self._connection.send(question)
        failed, is_batch, answer = self._connection.recv()
        if is_batch:
            with pyarrow.ipc.open_stream(self._connection.recv_bytes()) as stream:
                answer = stream.read_next_batch()
        return failed, answer

    def _start(self):
        """What it opens, with the passwords in its options, is no argument that others could see."""
        ours, its = Pipe()
        with its:
            python = os.fsdecode(spawn.get_executable())
            process = subprocess.Popen(
                [python, "-c", SERVE, str(its.fileno()), *sys.path],
                stdin=subprocess.DEVNULL, pass_fds=[its.fileno()],
                start_new_session=True,  # Ctrl-C is not for it
            )  # fmt: skip
        self._connection, self._process = ours, process
        self._finalizer = weakref.finalize(self, _end, ours, process)
        failed, answer = self._exchange(self._opened)
        if failed:
            raise answer

    def _how_ended(self):
        uri, status = self._opened[0], "could not be started"
        if self._connection is not None:
            self._connection.close()
            status = self._process.wait()
            status = f"ended with status {status}" if status >= 0 else f"ended by {_name(-status)}"
        self.close()
        return f"the process that reads {uri} for this forked child {status}"


def _name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
