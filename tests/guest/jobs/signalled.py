# SPDX-License-Identifier: Apache-2.0
"""signalled.py NAME: a child that waits for the executor that it lost, and has signal handlers.

Those of RESCUED end the wait, which is proven of none of them. What is proven of the others: HUNG, at
once, or that only a signal to end could end them: TOLD_TO_END.
"""

import concurrent.futures
import faulthandler
import logging
import os
import signal
import sys
import threading
import time

from parked import see_asleep

EXECUTOR = concurrent.futures.ThreadPoolExecutor(1)
stopping = False
flags = []
plain = {"stop": False}
event = threading.Event()
log = logging.getLogger("signalled")


def wait():
    return EXECUTOR.submit(len, "abc").result()


def on(handler):
    signal.signal(signal.SIGTERM, handler)
    return wait()


class Server:
    alive = True

    def __init__(self):
        self.log = log
        self.stopped = threading.Event()
        self.future = None

    def flag(self, *_):
        self.alive = False
        self.log.info("stopping")

    def ends(self, number, _frame):
        self.alive = False
        self.leave(number)

    def leave(self, number):
        sys.exit(number)

    def finishes(self, *_):
        self.future.set_result(3)

    @property
    def done(self):
        return self.future.done()

    @done.setter
    def done(self, value):
        self.future.set_result(value)

    def sets(self, *_):
        self.done = 3


# Signals that end the wait, and with it nothing else.


def wait_for_a_future_of_its_own(handler):
    """The executor's threads are lost, so that its package is on the stack; a handler gives the result."""
    server = Server()
    server.future = concurrent.futures.Future()
    signal.signal(signal.SIGUSR1, handler(server))
    return server.future.result()


def method():
    return wait_for_a_future_of_its_own(lambda server: server.finishes)


def closure():
    return wait_for_a_future_of_its_own(lambda server: lambda *_: server.future.set_result(3))


def kept_function():
    def keeping(server):
        finish = server.finishes
        return lambda *_: finish()

    return wait_for_a_future_of_its_own(keeping)


def kept_in_a_list():
    def keeping(server):
        flags.append(server.finishes)

        def handler(*_):
            for call in flags:
                call()

        return handler

    return wait_for_a_future_of_its_own(keeping)


def default_argument():
    return wait_for_a_future_of_its_own(lambda server: lambda _n, _f, call=server.finishes: call())


def property_of_the_server():
    return wait_for_a_future_of_its_own(lambda server: server.sets)


def result_by_the_frame():
    def handler(_number, frame):
        while "server" not in frame.f_locals:
            frame = frame.f_back
        frame.f_locals["server"].finishes()

    return wait_for_a_future_of_its_own(lambda server: handler)


def callable_object():
    class Handler:
        def __init__(self, server):
            self.server = server

        def __call__(self, *_):
            self.server.finishes()

    return wait_for_a_future_of_its_own(Handler)


class Finishes:
    """Whatever is done with it gives the result."""

    def __init__(self, server):
        self.server = server

    def give(self, *_):
        self.server.finishes()
        return 1


def by_an_operator(name, use):
    class Operand(Finishes):
        pass

    def handler(server):
        kept = Operand(server)
        return use(kept)

    setattr(Operand, name, lambda self, *_: self.give())
    return wait_for_a_future_of_its_own(handler)


def compares():
    return by_an_operator("__eq__", lambda kept: lambda *_: kept == 3)


def asks_whether_it_is_true():
    return by_an_operator("__bool__", lambda kept: lambda *_: 2 if kept else 3)


def measures():
    return by_an_operator("__len__", lambda kept: lambda *_: len(kept))


def shows():
    return by_an_operator("__format__", lambda kept: lambda *_: None if flags else f"{kept}")


def adds():
    return by_an_operator("__radd__", lambda kept: lambda *_: 1 + kept)


def takes_an_item():
    return by_an_operator("__getitem__", lambda kept: lambda *_: kept[0])


def negates():
    return by_an_operator("__neg__", lambda kept: lambda *_: -kept)


class Dropped(Finishes):
    def __del__(self):
        self.server.finishes()


dropped = None


def drops():
    def keeping(server):
        global dropped
        dropped = Dropped(server)

        def handler(*_):
            global dropped
            dropped = None

        return handler

    return wait_for_a_future_of_its_own(keeping)


class Late(Exception):
    pass


def error():
    def handler(*_):
        raise Late

    try:
        wait_for_a_future_of_its_own(lambda server: handler)
    except Late:
        return 3


def alarm():
    """A time limit of the child's own: what the handler does to end the wait does not matter."""

    def handler(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 3)
    try:
        return wait()
    except KeyboardInterrupt:
        return 3


def at_the_end_of_a_slice():
    """The first slice of a wait is one of 10 ms. An alarm that is lost rings again, too late."""

    def handler(*_):
        raise Late

    signal.signal(signal.SIGALRM, handler)
    lock = threading.Lock()
    lock.acquire()
    for nth in range(250):
        begun = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0.0095 + nth * 1e-5, 2)
        try:
            lock.acquire()
        except Late:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if time.monotonic() - begun > 1.9:
            return 4
    return 3


RESCUED = [
    at_the_end_of_a_slice,
    method,
    closure,
    kept_function,
    kept_in_a_list,
    default_argument,
    property_of_the_server,
    result_by_the_frame,
    callable_object,
    compares,
    asks_whether_it_is_true,
    measures,
    shows,
    adds,
    takes_an_item,
    negates,
    drops,
    error,
    alarm,
]

# A child that sleeps until it is told to end, as workers of servers do.


def sleeps_in_an_event():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    threading.Event().wait()


def sleeps_in_a_condition():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(3))
    with (changed := threading.Condition()):
        changed.wait()


RESTING = [
    sleeps_in_an_event,
    sleeps_in_a_condition,
]

# Handlers that wake nobody.


def set_global(*_):
    global stopping
    stopping = True


def sets_a_global():
    return on(set_global)


def appends():
    return on(lambda number, _: flags.append(number))


def sets_an_item():
    def handler(*_):
        plain["stop"] = True

    return on(handler)


def sets_an_event_of_nobody():
    return on(lambda *_: event.set())


def method_that_sets_a_flag():
    return on(Server().flag)


def prints():
    return on(lambda number, _: print("signal", signal.Signals(number).name, file=sys.stderr))


HUNG = [
    sets_a_global,
    appends,
    sets_an_item,
    sets_an_event_of_nobody,
    method_that_sets_a_flag,
    prints,
]

# Handlers that end the process.


def exits():
    return on(lambda *_: sys.exit(0))


def exits_at_once():
    def handler(*_):
        os._exit(0)

    return on(handler)


def raises_system_exit():
    def handler(*_):
        log.warning("ending")
        raise SystemExit(1)

    return on(handler)


def method_that_ends():
    return on(Server().ends)


def dumps_stacks():
    faulthandler.register(signal.SIGUSR1, file=sys.stderr)
    return wait()


TOLD_TO_END = [
    exits,
    exits_at_once,
    raises_system_exit,
    method_that_ends,
    dumps_stacks,
]


def ended(child, limit):
    """The child's status, or None where it goes on."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    return None


def main():
    name = sys.argv[1]
    EXECUTOR.submit(len, "abc").result()
    child = os.fork()
    if child == 0:
        (function,) = [each for each in RESCUED + RESTING + HUNG + TOLD_TO_END if each.__name__ == name]
        os._exit(function() or 0)
    if name in [each.__name__ for each in RESCUED + RESTING]:
        if name not in ("alarm", "at_the_end_of_a_slice"):
            see_asleep([child])
            os.kill(child, signal.SIGTERM if name.startswith("sleeps") else signal.SIGUSR1)
    status = ended(child, 15)
    print("child", "hangs" if status is None else f"ended with {status}")
    if status is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
