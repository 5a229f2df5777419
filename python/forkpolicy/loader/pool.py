# SPDX-License-Identifier: Apache-2.0
"""Pools of Python threads, in processes that may fork.

Before os.fork() the threads of all pools end: a call that runs is waited for, but not longer than
QUIET, since it may wait for whoever forks. Parent and child then go on with threads of their own,
begun at the next submit() or result(); the child calls anew what was not done at the fork.
"""

import os
import threading
import time
import weakref
from collections import deque
from concurrent.futures import ThreadPoolExecutor, TimeoutError

QUIET = 1  # second
LOOK = 0.2  # seconds
NAME = "forkloader"

_gate = threading.RLock()  # held over a fork, so that nothing is begun during it
_pools = weakref.WeakSet()
_here = threading.local()  # is_of_pool: this thread is one of ours


class _Team:
    """The threads of an executor, and whether they should begin what they are given."""

    def __init__(self):
        self.threads, self.ends = [], False

    def join(self):
        """What each thread does first."""
        self.threads.append(threading.current_thread())
        _here.is_of_pool = True


class Pool:
    """threads: 0 leaves each call to whoever asks for its result."""

    def __init__(self, threads):
        self._count = threads
        self._executor, self._team = None, _Team()
        with _gate:
            _pools.add(self)

    def submit(self, function, *arguments):
        """A Call, begun as soon as a thread is free."""
        return Call(self, function, arguments)

    def _start(self, work):
        """A Future; None where there is no thread for it, also at the interpreter's end."""
        with _gate:
            if not self._count:
                return None
            if self._executor is None:
                self._team = _Team()
                self._executor = ThreadPoolExecutor(self._count, NAME, self._team.join)
            try:
                return self._executor.submit(work.run_by, self._team)
            except RuntimeError:
                return None

    def _end(self):
        """The threads end behind the calls that run; others are not begun. Gives the threads."""
        executor, self._executor = self._executor, None
        self._team.ends = True
        if executor is not None:
            executor.shutdown(wait=False)
        return self._team.threads

    def _forget(self):
        """In a forked child, where the threads are not."""
        self._executor, self._team = None, _Team()

    def close(self):
        """Without waiting for calls that run."""
        with _gate:
            self._count = 0
            self._end()

    def __del__(self):
        self._end()


class _Work:
    """What a thread does. It knows no pool, whose end may come while it waits for a thread."""

    def __init__(self, function, arguments):
        self._function, self._arguments = function, arguments
        self.outcome = None  # (value, error)

    def run(self):
        try:
            self.outcome = self._function(*self._arguments), None
        except BaseException as error:
            self.outcome = None, error

    def run_by(self, team):
        if not team.ends and threading.main_thread().is_alive():  # the interpreter's end waits
            self.run()


class Call:
    """One call of a function by a thread."""

    def __init__(self, pool, function, arguments):
        self._pool, self._work = pool, _Work(function, arguments)
        self._begin()

    def _begin(self):
        self._process, self._future = os.getpid(), self._pool._start(self._work)

    def result(self):
        """What the function gives, or raises."""
        while self._work.outcome is None:
            if self._process != os.getpid() or self._is_over():
                self._begin()
        value, error = self._work.outcome
        if error is None:
            return value
        try:
            raise error
        finally:
            del error  # whose traceback has this frame

    def _is_over(self):
        """Waits, and tells of a call that will not be done: a fork has come between. In slices: a
        Ctrl-C that comes just before a wait does not end it."""
        if self._future is None:
            self._work.run()
            return False
        try:
            self._future.result(LOOK)
        except TimeoutError:
            return False
        return self._work.outcome is None


class ByThreads:
    """function(item) of each item, in the items' order; up to threads + ahead are begun."""

    def __init__(self, items, function, threads, ahead):
        self._items, self._function = items, function
        self._length = threads + ahead
        self._pool, self._begun = Pool(threads), deque()

    def __next__(self):
        while len(self._begun) < self._length and self._items is not None:
            self._begin()
        if not self._begun:
            raise StopIteration
        return self._begun.popleft().result()

    def _begin(self):
        try:
            self._begun.append(self._pool.submit(self._function, next(self._items)))
        except StopIteration:
            self._items = None
        except Exception as error:  # which comes in its turn
            self._begun.append(_Failed(error))
            self._items = None

    def close(self):
        self._items = None
        self._begun.clear()
        self._pool.close()


class _Failed:
    def __init__(self, error):
        self._error = error

    def result(self):
        raise self._error


def _before_fork():
    """A thread of a pool that forks does not wait for itself."""
    _gate.acquire()
    if getattr(_here, "is_of_pool", False):
        return
    threads = [thread for pool in list(_pools) for thread in pool._end()]
    until = time.monotonic() + QUIET
    for thread in threads:
        thread.join(max(0, until - time.monotonic()))


def _in_parent():
    try:
        _gate.release()
    except RuntimeError:  # Ctrl-C came to _before_fork
        pass


def _in_child():
    global _gate
    _gate = threading.RLock()
    _here.is_of_pool = False
    for pool in list(_pools):
        pool._forget()


os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
