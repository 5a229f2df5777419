# SPDX-License-Identifier: Apache-2.0
"""Makes runtimes that Python threads keep usable again in a forked child.

A child has only the thread that forked. What it cannot get back is what another thread was doing:
that stays the parent's. What it can get back is the means: an executor that starts new threads, a
loop that runs again. So every reset ends what was under way with an error, drops what is shared
with the parent (epoll, sockets, queues) without a word to the kernel about it, and leaves the
object as it was, to come to life where the child first needs it. A child that needs none of them
has not one thread more.

Here is the driver; a reset is a module of FINDERS with `find(lost, wants)`: called in the parent, it
yields (name of the runtime, reset) for everything it knows of that will be lost, where
`wants(name)`; the reset is called in the child, and raises what it could not do.

The same files run as the package `forkpolicy.resets` and, where there is no package, embedded in the
shim (tools/embed_package.py), on every CPython since 3.8, with the standard library alone.

Then, before each fork that is to be reset: `prepare(names, report)`.
"""

import gc
import os
import threading
import time

from . import asyncio_loop, executor, fsspec_io, lancedb_loop, log_listener, lost

# A library takes the loop that is its own before asyncio takes all that are left.
FINDERS = (log_listener, lancedb_loop, fsspec_io, asyncio_loop, executor)
MAX_ERROR = 200  # characters

_is_registered = False
_prepared = {}  # thread that is about to fork -> (names, report)
_plans = {}  # thread that forks -> _Plan


def prepare(names, report):
    """Has the next fork of this thread reset these runtimes in the child.

    Called in the parent, before the fork handlers of Python run: in the audit event of `os.fork`.

    - `names`: of runtimes, as in policy/known.policy, separated by commas; "*" is all of them.
    - `report(name, microseconds, error)`: called in the child once for each runtime that was found
      and reset. `error` is None, or one line that says what is still lost.

    Errors: none is raised later than here; what fails is reported.
    """
    global _is_registered
    if not _is_registered:
        _is_registered = True
        os.register_at_fork(before=_before, after_in_parent=_forget, after_in_child=_after)
    _prepared[threading.get_ident()] = (frozenset(names.split(",")), report)


class _Plan:
    """What one fork will reset: `resets` [(name of the runtime, reset)], and the `errors` met so
    far {name: exception}."""

    def __init__(self, names, report):
        self.report = report
        self.resets = []
        self.errors = {}
        try:
            self._find(lambda name: name in names or "*" in names)
        except BaseException as error:
            self.errors.update((module.NAME, error) for module in FINDERS)

    def _find(self, wants):
        threads = lost.Lost()
        for module in FINDERS:
            found = []
            try:
                found.extend(module.find(threads, wants))
            except BaseException as error:
                if wants(module.NAME):
                    self.errors[module.NAME] = error
            self.resets[:0] = found

    def carry_out(self):
        """Every reset is tried, whatever became of the others."""
        spent = dict.fromkeys(self.errors, 0)  # name -> nanoseconds
        for name, reset in self.resets:
            start = time.perf_counter_ns()
            try:
                reset()
            except BaseException as error:
                self.errors.setdefault(name, error)
            spent[name] = spent.get(name, 0) + time.perf_counter_ns() - start
        for name, nanoseconds in spent.items():
            try:
                self.report(name, nanoseconds // 1000, _line(self.errors.get(name)))
            except BaseException:
                pass  # a child must not end by what is said of it


def _before():
    wanted = _prepared.pop(threading.get_ident(), None)
    if wanted:
        _plans[threading.get_ident()] = _Plan(*wanted)


def _forget():
    if _plans.pop(threading.get_ident(), None):
        lost.release()


def _after():
    plan = _plans.pop(threading.get_ident(), None)
    _plans.clear()
    _prepared.clear()
    if not plan:
        return
    lost.release()
    # Garbage may hold the parent's sessions, whose finalizers call what is not reset yet.
    collects = gc.isenabled()
    gc.disable()
    try:
        plan.carry_out()
    finally:
        if collects:
            gc.enable()


def _line(error):
    """An exception in one line, None for None."""
    if error is None:
        return None
    try:
        text = f"{type(error).__name__}: {error}"
    except BaseException:
        text = type(error).__name__
    return " ".join(text.split())[:MAX_ERROR]
