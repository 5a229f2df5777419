# SPDX-License-Identifier: Apache-2.0
"""concurrent.futures.ThreadPoolExecutor: new threads in the child, no eternal wait for old tasks.

An executor of the parent counts its lost threads as alive, and starts no others: `submit` in the
child is never done (CPython 3.8 to 3.14; bpo-6721 is the general report). What is replaced is
what `__init__` makes; `initializer`, names and the limit stay, so that new threads are started as
the old ones were.

What remains: a task that has waited for long, and that a worker takes in the very moment of the
fork.
"""

import functools
import threading

from . import common

NAME = "ThreadPoolExecutor"


class Pool:
    """The workers at one queue: their `executor` (None: it is gone, its threads do the rest), and
    the `items` that they were at."""

    def __init__(self, work_queue):
        self.work_queue = work_queue
        self.executor = None
        self.items = []


def find(lost, wants):
    """See the driver. One reset for each executor; the futures of its tasks go with it."""
    pools = _pools(lost)
    module = common.imported("concurrent.futures.thread")
    if not module or not wants(NAME):
        return
    items = [call.values[0] for call in lost.calls["task"] if not call.is_own and call.values[0]]
    for pool in pools:
        yield NAME, functools.partial(_reset, pool, lost)
    if pools or items:
        yield NAME, functools.partial(_end_others, items, module, lost)
        yield NAME, functools.partial(_forget_threads, module)


def renew(executor):
    """Makes an executor whose threads are lost start new ones. Returns the items it had queued."""
    old = executor._work_queue
    items, executor._work_queue = _replace(old)
    executor._idle_semaphore = threading.Semaphore(0)
    executor._threads = set()
    executor._shutdown_lock = common.fresh_lock(executor._shutdown_lock)
    common.keep(old)
    return items


def is_lost(executor):
    """Whether it counts on threads that are not there."""
    threads = getattr(executor, "_threads", None)
    return bool(threads) and not any(thread.is_alive() for thread in threads)


def end(entries, lost):
    """Ends tasks of the parent with an error; `entries` is what lies in a work queue."""
    for item in filter(None, map(_item, entries)):
        function = getattr(item, "fn", None) or getattr(item, "task", (None,))[0]  # 3.14: task
        error = RuntimeError(f"the task {common.name_of(function)} {common.BELONGS}")
        common.fail(item.future, error, lost.loop_ids)
        lost.items.append(item)
        common.keep(item)


def _pools(lost):
    pools = {}

    def at(work_queue, reference):
        pool = pools.setdefault(id(work_queue), Pool(work_queue))
        pool.executor = pool.executor or reference()
        return pool

    for call in lost.calls["worker"]:
        reference, work_queue, item = call.values
        if reference and work_queue is not None:
            pool = at(work_queue, reference)
            if item is not None and not call.is_own:
                pool.items.append(item)
    worker = getattr(common.imported("concurrent.futures.thread"), "_worker", None)
    for thread in lost.starting:
        if worker and getattr(thread, "_target", None) is worker:
            executor = thread._args[0]()
            if executor is not None:
                at(executor._work_queue, thread._args[0])
    return pools.values()


def _reset(pool, lost):
    items = pool.items
    executor = pool.executor
    if executor is not None and executor._work_queue is pool.work_queue:
        items = items + renew(executor)
    else:
        items = items + _replace(pool.work_queue)[0]
        common.keep(pool.work_queue)
    end(items, lost)


def _end_others(items, module, lost):
    """Ends tasks that are in no queue, and in the hands of no worker that was seen.

    Since 3.13 `SimpleQueue.put` hands a task to a worker that waits: until the worker runs, it is
    on its C stack only.
    """
    own = [call.values[0] for call in lost.calls["task"] if call.is_own]
    ended = {id(item) for item in own + lost.items}
    end([each for each in items + lost.young(module._WorkItem) if id(each) not in ended], lost)


def _replace(old):
    """([what was in a work queue], a queue of its kind for the child)."""
    queue = common.imported("queue")
    if common.is_simple_queue(old):
        return common.drain(old), queue.SimpleQueue()
    if isinstance(old, queue.Queue):  # of a subclass with priorities, for example
        return common.renew_queue(old), old
    raise TypeError(f"an executor with a {type(old).__name__} as its queue")


def _item(entry):
    """The work item of an entry of a queue: itself, or in a tuple beside its priority."""
    if hasattr(entry, "future"):
        return entry
    entries = entry if isinstance(entry, (tuple, list)) else ()
    return next((each for each in entries if hasattr(each, "future")), None)


def _forget_threads(module):
    """At its exit the child would join them, and itself where a worker forked."""
    module._threads_queues.data.clear()  # of a WeakKeyDictionary, at once
