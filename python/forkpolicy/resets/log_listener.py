# SPDX-License-Identifier: Apache-2.0
"""logging.handlers.QueueListener: records that the child puts into the queue are handled there.

The listener's thread is lost, and the child's records stay in the queue (CPython 3.8 to 3.14; 17b
of the corpus of this project). The thread is started again at the child's first record, with the
handlers that the listener has. What the parent had put is taken out before: the parent handles it.
At the end of the child the listener is stopped, so that nothing is left in the queue.

A queue that is shared with the parent (multiprocessing's) works without: the parent listens.
"""

import functools
import os

from . import common

NAME = "QueueListener"


def find(lost, wants):
    """See the driver."""
    if not common.imported("logging.handlers") or not wants(NAME):
        return
    kind = common.imported("logging.handlers").QueueListener
    found = [(call.values[0], call.thread) for call in lost.calls["listener"] if not call.is_own]
    for thread in lost.starting:
        found.append((lost.target_of(thread, "_monitor"), thread))
    for listener, thread in found:
        if isinstance(listener, kind):
            yield NAME, functools.partial(_reset, listener, thread)


def _reset(listener, thread):
    queue = common.imported("queue")
    old = listener.queue
    if common.is_simple_queue(old):
        common.keep(old, common.drain(old))
        listener.queue = _waking_kind()()
        for handler in _handlers_at(old):
            handler.queue = listener.queue
    elif isinstance(old, queue.Queue):
        common.keep(common.renew_queue(old))
    else:
        kind = type(old)
        raise TypeError(
            f"its {kind.__module__}.{kind.__qualname__} is shared with {common.PARENT}, which "
            "handles the records of the child as well"
        )
    listener.queue.put = _FirstRecord(listener, thread)


def _waking_kind():
    """A queue.SimpleQueue that takes attributes, and so a `put` of its own."""
    simple = common.imported("queue").SimpleQueue
    return type("SimpleQueue", (simple,), {"put_nowait": lambda self, item: self.put(item)})


def _handlers_at(queue):
    """The handlers that put into a queue; logging knows all handlers."""
    for reference in list(common.imported("logging")._handlerList):
        handler = reference()
        if getattr(handler, "queue", None) is queue:
            yield handler


class _FirstRecord:
    """In the place of the `put` of a listener's queue: starts the listener's thread."""

    def __init__(self, listener, thread):
        self.listener = listener
        self.thread = thread

    def __call__(self, *arguments, **settings):
        queue = self.listener.queue
        if queue.__dict__.pop("put", None) is not None:
            try:
                self.listener._thread = common.start_again(self.thread, self.listener._monitor)
            except BaseException:
                queue.put = self
                raise
            _at_exit(functools.partial(_stop, self.listener, self.listener._thread, os.getpid()))
        return queue.put(*arguments, **settings)


def _at_exit(function):
    """Has a function called at the end of the process; a child of multiprocessing runs its own
    finalizers instead of atexit's."""
    import atexit

    atexit.register(function)
    util = common.imported("multiprocessing.util")
    if util:
        util.Finalize(None, function, exitpriority=-100)  # after the joining of queues


def _stop(listener, thread, pid):
    """Lets the listener handle what is in the queue, for 10 seconds at most."""
    if pid == os.getpid() and thread.is_alive():
        listener.enqueue_sentinel()
        thread.join(10)
