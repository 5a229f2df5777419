# SPDX-License-Identifier: Apache-2.0
"""asyncio: event loops that ran in other threads run again in the child, from their first use on.

A loop whose thread is lost still says that it runs, and takes what `run_coroutine_threadsafe`
gives it, which is never done (CPython 3.8 to 3.14; 23a of the corpus of this project). Worse, it
shares its epoll instance with the parent: where the child's collector closes a transport, the
parent is never told of that socket again (bpo-21998, python/cpython#66197).

So the loop is put to sleep: no selector, no self-pipe, nothing scheduled. Its tasks end with an
error, without a step of their coroutines: those are the parent's work. Its connections become
closed ones, their numbers kept by a socket that leads nowhere, so that nothing is written to a
peer of the parent. The first callback from another thread wakes it: a new selector, a new
self-pipe, the Thread object that it had, and `run_forever`.

What remains the parent's: listening sockets, file descriptors of `add_reader`, signal handlers.
Loops that are not asyncio's own (uvloop) cannot be put to sleep.
"""

import functools
import os

from . import common, executor

NAME = "asyncio"
NOWHERE = -1  # no thread's id: the loop runs, as it says, but in none that is there
CALLBACK = "run_coroutine_threadsafe.<locals>.callback"  # asyncio.tasks, 3.8 to 3.14

# Protocols that only tell those who read that the connection is gone. Others may do more: log,
# write, connect again, which is the parent's business.
TELLS_READERS = {
    ("asyncio.streams", "StreamReaderProtocol"),
    ("aiohttp.client_proto", "ResponseHandler"),
}


def find(lost, wants):
    """See the driver. The loops that no other reset has taken."""
    if wants(NAME):
        for each in lost.loops.values():
            yield NAME, functools.partial(reset, each, lost)


def is_asleep(loop):
    return isinstance(getattr(loop, "__dict__", {}).get("_write_to_self"), _Alarm)


def reset(lost_loop, lost):
    """Puts a loop to sleep. Returns how many tasks were ended.

    Errors: TypeError for a loop that is not asyncio's own.
    """
    asyncio = common.imported("asyncio")
    loop = lost_loop.loop
    if not isinstance(loop, asyncio.SelectorEventLoop):
        kind = type(loop)
        raise TypeError(f"{kind.__module__}.{kind.__qualname__} is none of asyncio's own loops")
    selector = loop._selector
    transports = _transports(loop, selector)
    young = [each for each in lost.young(asyncio.Handle) if each._loop is loop]
    handles = [*lost_loop.handles, *loop._ready, *loop._scheduled, *young]
    common.keep(loop, selector, handles, transports)
    _detach(loop, selector, _Alarm(lost_loop))
    ended = _end_tasks(loop, handles, lost)
    _cut(transports)
    for timer in loop._scheduled:
        timer._scheduled = False
    loop._ready.clear()  # what all that has scheduled
    loop._scheduled.clear()
    loop._timer_cancelled_count = 0
    loop._asyncgens.clear()
    if executor.is_lost(loop._default_executor):
        executor.end(executor.renew(loop._default_executor), lost)
    return ended


def _detach(loop, selector, alarm):
    """Takes the loop off its selector and its self-pipe, which it shares with the parent."""
    tasks = common.imported("asyncio.tasks")
    selectors = common.imported("selectors")
    if loop._signal_handlers and loop._csock is not None:
        _drop_wakeup(loop._csock.fileno())
    alarm.kind = type(selector)
    loop._selector = selectors.SelectSelector()  # has no descriptor; tells all that it has nothing
    for each in (loop._ssock, loop._csock):
        if each is not None:
            each.close()
    loop._ssock = loop._csock = None
    loop._internal_fds -= 1
    selector.close()  # our copy of the descriptor; the instance lives on in the parent
    loop._write_to_self = alarm
    loop._thread_id = NOWHERE
    loop._stopping = False
    getattr(tasks, "_current_tasks", {}).pop(loop, None)  # 3.14: each thread has its own


def _drop_wakeup(own):
    """Signals of the child are not written to the parent's loop; since 3.12 Python sees to it."""
    signal = common.imported("signal")
    try:
        there = signal.set_wakeup_fd(-1)
        if there not in (-1, own):
            signal.set_wakeup_fd(there)
    except ValueError:
        pass  # an interpreter that handles no signals


class _Alarm:
    """In the place of a loop's `_write_to_self`: wakes the loop where a callback has come in."""

    def __init__(self, lost_loop):
        self.loop = lost_loop.loop
        self.thread = lost_loop.thread
        self.kind = None  # of its selector

    def __call__(self):
        loop = self.loop
        # Of several that come at once one wakes it. What the others bring is in its queue by now,
        # and is seen before it first waits.
        if loop.__dict__.pop("_write_to_self", None) is not None:
            try:
                self._wake()
            except BaseException:
                loop._write_to_self = self
                raise
        loop._write_to_self()

    def _wake(self):
        loop, asleep = self.loop, self.loop._selector
        if loop._csock is None:
            loop._selector = _selector(self.kind)
            loop._make_self_pipe()
            for key in asleep.get_map().values():
                loop._selector.register(key.fileobj, key.events, key.data)
        common.start_again(self.thread, functools.partial(_run, loop))


def _selector(kind):
    try:
        return kind()
    except TypeError:  # one that is made in a way of its own
        return common.imported("selectors").DefaultSelector()


def _run(loop):
    common.imported("asyncio").set_event_loop(loop)
    loop._thread_id = None
    loop.run_forever()


def _end_tasks(loop, handles, lost):
    """Ends the loop's tasks, and all that was asked of it from other threads."""
    tasks = list(common.imported("asyncio").all_tasks(loop))
    common.keep(tasks)
    for task in tasks:  # nothing may step any of them any more, before the first is ended
        waiter = getattr(task, "_fut_waiter", None)
        for callback in _callbacks(waiter):
            if getattr(callback, "__self__", None) is task:
                waiter.remove_done_callback(callback)
    asked = [pair for handle in handles for pair in _asked(handle._callback)]
    for task in tasks:
        coroutine = task.get_coro()
        for callback in _callbacks(task):
            asked += ((future, coroutine) for future, _ in _asked(callback))
            task.remove_done_callback(callback)
        task._log_destroy_pending = False
        kind = next(each for each in type(task).__mro__ if each.__name__ == "Future")
        kind.set_exception(task, _error(coroutine))  # a Task's own says no
        task._log_traceback = False
    for future, coroutine in asked:
        common.fail(future, _error(coroutine), lost.loop_ids)
    return len(tasks)


def _error(coroutine):
    return RuntimeError(f"the coroutine {common.name_of(coroutine)} {common.BELONGS}")


def _callbacks(future):
    return [entry[0] for entry in getattr(future, "_callbacks", None) or ()]


def _asked(callback):
    """[(future, coroutine)]: the concurrent.futures.Future that a callback of asyncio would
    complete, if any, and what it waits for, where the callback itself knows."""
    name = getattr(callback, "__qualname__", None)
    if name not in (CALLBACK, common.CHAIN):
        return []
    cells = common.cells(callback)
    future = cells.get("future" if name == CALLBACK else "destination")
    return [(future, cells.get("coro"))] if hasattr(future, "_waiters") else []


def _transports(loop, selector):
    """The connections and pipes that the loop serves."""
    kind = common.imported("asyncio").BaseTransport
    found = list(getattr(loop, "_transports", {}).values())
    for key in list((selector.get_map() or {}).values()):
        for handle in key.data if isinstance(key.data, tuple) else ():
            owner = getattr(getattr(handle, "_callback", None), "__self__", None)
            if isinstance(owner, kind) and owner not in found:
                found.append(owner)
    return found


def _cut(transports):
    """Makes connections of the parent closed ones in the child.

    Their descriptors are replaced, not closed: the numbers are written down in many places, and
    must not come to mean something else.
    """
    if not transports:
        return
    socket = common.imported("socket")
    error = ConnectionAbortedError(f"the connection belongs to {common.PARENT}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as nowhere:
        for transport in transports:
            file = getattr(transport, "_sock", None) or getattr(transport, "_pipe", None)
            number = file.fileno() if file is not None and not getattr(file, "closed", 0) else -1
            if number >= 0:
                os.dup2(nowhere.fileno(), number, inheritable=False)
            transport._closing = True
            if hasattr(transport, "_conn_lost"):
                transport._conn_lost += 1
            if hasattr(transport, "_buffer"):
                transport._buffer.clear()
            over_tls = getattr(getattr(transport, "_protocol", None), "_app_transport", None)
            if over_tls is not None:
                over_tls._closed = True
    for transport in transports:
        _tell_readers(transport, error)


def _tell_readers(transport, error):
    protocol = getattr(transport, "_protocol", None)
    protocol = getattr(protocol, "_app_protocol", None) or protocol  # through TLS
    if (type(protocol).__module__, type(protocol).__qualname__) in TELLS_READERS:
        protocol.connection_lost(error)
