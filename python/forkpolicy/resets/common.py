# SPDX-License-Identifier: Apache-2.0
"""What several resets need: to keep, to fail, to start again. All of it runs in the child."""

import functools
import sys
import threading

try:
    from _datetime import datetime, tzinfo
except ImportError:  # a Python without its accelerators
    from datetime import datetime, tzinfo

PARENT = "the parent process"
BELONGS = f"belongs to {PARENT}, and is not done in the child that it forked"


class _Keeper(tzinfo):
    """Holds objects that must not end in the child, not even at its exit: a coroutine that ends
    runs the parent's `finally` blocks, which remove the parent's files.

    A datetime is nothing that the collector looks into: what refers to itself through one is
    never collected.
    """


_keeper = _Keeper()
_keeper.kept = []
_keeper.itself = datetime(1, 1, 1, tzinfo=_keeper)


def keep(*objects):
    """Keeps objects of the parent alive, and silent, for as long as the process lives."""
    _keeper.kept.extend(objects)


def name_of(function):
    """How a user calls a function or a coroutine: "module.name"; calls no code of the user."""
    function = getattr(function, "func", function)  # of a partial
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    module = getattr(function, "__module__", None)
    return f"{module}.{name}" if isinstance(module, str) else str(name)


def fresh_lock(old):
    """A free lock of the kind of one that a lost thread may hold."""
    return threading.Lock() if isinstance(old, type(threading.Lock())) else threading.RLock()


def fail(future, error, lost_loops):
    """Ends a concurrent.futures.Future of the parent with an error, whatever state it is in.

    Whoever holds it in the child gets the error: by `result`, `wait`, `as_completed`, or by an
    event loop that runs on in the child. Other callbacks are not called: "always in a thread
    belonging to the process that added them" (documentation of Future.add_done_callback).

    - `lost_loops`: the ids of event loops that did not run in the thread that forked.

    Its locks are replaced: the lost thread may have held any of them.
    """
    future._condition = threading.Condition()
    for waiter in future._waiters:
        _free(waiter)
    future._done_callbacks = [
        each for each in future._done_callbacks if _tells_a_living_loop(each, lost_loops)
    ]
    if future._state == "CANCELLED":
        future.set_running_or_notify_cancel()
    elif future._state in ("PENDING", "RUNNING"):
        future.set_exception(error)
    else:  # the lost thread may not have told the waiters any more
        for waiter in future._waiters:
            if future not in waiter.finished_futures:
                waiter.add_result(future)


def _free(waiter):
    """Frees what `wait` and `as_completed` wait with (concurrent.futures._base._Waiter)."""
    was_set = waiter.event.is_set()
    waiter.event = threading.Event()
    if was_set:
        waiter.event.set()
    if hasattr(waiter, "lock"):
        waiter.lock = threading.Lock()


def cells(function):
    """The free variables of a closure: {name: value}."""
    closure = getattr(function, "__closure__", None) or ()
    names = function.__code__.co_freevars if closure else ()
    return {name: cell.cell_contents for name, cell in zip(names, closure) if _is_set(cell)}


def _is_set(cell):
    try:
        cell.cell_contents
    except ValueError:
        return False
    return True


CHAIN = "_chain_future.<locals>._call_set_state"  # asyncio.futures, 3.8 to 3.14


def _tells_a_living_loop(callback, lost_loops):
    if getattr(callback, "__qualname__", None) != CHAIN:
        return False
    loop = cells(callback).get("dest_loop")
    return loop is not None and id(loop) not in lost_loops and not loop.is_closed()


def start_again(thread, run):
    """Starts `run()` as a daemon, in the Thread object that a lost thread had.

    So `is_alive` and `join` of those who hold it are true again. A daemon, since nobody may know
    in the child that it has to be ended. Returns the thread: a new one where the lost one was the
    main thread, or none that `threading` started.

    Errors: RuntimeError where no thread can be started.
    """
    if thread is None or isinstance(thread, (threading._MainThread, threading._DummyThread)):
        thread = threading.Thread()
    threading.Thread.__init__(thread, target=run, name=thread.name, daemon=True)
    if type(thread).run is not threading.Thread.run:  # a subclass that would do its own again
        thread.run = functools.partial(threading.Thread.run, thread)
    threading.Thread.start(thread)
    return thread


def renew_queue(old):
    """Empties a queue.Queue that lost threads waited at, and frees its locks. Returns a list of
    what was in it."""
    items = list(old.queue)
    old.queue.clear()
    old.unfinished_tasks = 0
    old.mutex = threading.Lock()
    old.not_empty = threading.Condition(old.mutex)
    old.not_full = threading.Condition(old.mutex)
    old.all_tasks_done = threading.Condition(old.mutex)
    return items


def drain(old):
    """A list of what is in a queue.SimpleQueue. It is not fit for waiting any more: a lost thread
    may have been on its way out of `get`, with the lock that nobody gives back."""
    items = []
    while old.qsize():
        items.append(old.get_nowait())
    return items


def is_simple_queue(object):
    """Whether it is a queue.SimpleQueue, in C or in Python."""
    queue = imported("queue")
    return isinstance(object, (queue.SimpleQueue, queue._PySimpleQueue))


def imported(name):
    """A module, if the process has imported it, or None: no reset imports what is not used."""
    return sys.modules.get(name)
