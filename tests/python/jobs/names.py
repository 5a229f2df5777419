# SPDX-License-Identifier: Apache-2.0
"""names.py CASE [LIBRARY]: Python threads of all kinds, alive at a fork.

Runs on every Python since 3.6.
"""

import ctypes
import json
import os
import sys
import threading
import time

DONE = threading.Event()


def fork():
    """Forks once, and says how the child ended and how many threads there were."""
    seen = len(os.listdir("/proc/self/task"))
    child = os.fork()
    if child == 0:
        os._exit(9)
    say = json.dumps({"threads": seen, "status": os.waitpid(child, 0)[1] >> 8})
    os.write(1, (say + "\n").encode())  # in one piece, whichever threads write


def start(name, target=DONE.wait):
    thread = threading.Thread(target=target, name=name)
    thread.daemon = True
    thread.start()
    return thread


def plain():
    for name in ["first", "second"]:
        start(name)
    other = threading.Thread(target=DONE.wait, name="elsewhere", daemon=True)
    other.start()  # a line of its own
    fork()


def many():
    for number in range(50):
        start("thread %d" % number)
    fork()


def hostile():
    """Names that are no UTF-8, too long, or would break a line or a string."""
    for name in [
        "\udcff",
        "x" * 5000,
        'quote" backslash\\ newline\n tab\t end',
        "\u00fcml\u00e4ut",
        "\x1b[31mred",
        "",
    ]:
        start(name)
    fork()


def hostile_files():
    """Threads started and forks made by code whose file has such a name."""
    code = "threading.Thread(target=DONE.wait, daemon=True).start()\nos.fork() or os._exit(0)\n"
    for file in [
        "y" * 5000 + ".py",
        'quote" newline\n.py',
        "\u00fc.py",
        "",
        "no extension:12",
        "\x1b[31m.py",
    ]:
        exec(compile(code, file, "exec"), globals())
        os.wait()
    fork()


def odd_bookkeeping():
    """What gevent and others do: threading's own records are not what they were."""
    for records in [None, {1: None}, [], {1: object()}]:
        start("named")
        active, threading._active = threading._active, records
        try:
            fork()
        finally:
            threading._active = active


def deep():
    """The line is found behind more frames than anybody reads."""

    def down(left):
        if left:
            down(left - 1)
        else:
            start("deep")
            fork()

    down(600)


def in_an_exception():
    """An exception that is being handled stays what it is."""
    start("named")
    try:
        raise KeyError("mine")
    except KeyError as error:
        fork()
        assert sys.exc_info()[1] is error
    try:
        try:
            raise KeyError("mine")
        finally:
            fork()
    except KeyError:
        pass


def traced():
    """A profiler sees no call of ours."""
    calls = []
    sys.setprofile(lambda frame, event, argument: calls.append(event))
    start("named")
    fork()
    sys.setprofile(None)
    assert calls


def native():
    """Threads that C code starts without the GIL, and with it."""
    without = ctypes.CDLL(sys.argv[2])
    holding = ctypes.PyDLL(sys.argv[2])
    assert without.foreign_start(1) == 0
    assert holding.foreign_start(1) == 0
    without.foreign_ask()
    assert without.foreign_start_from_thread(2) == 0
    fork()


def native_forks():
    """C code forks: without the GIL, with it, and on a thread that Python never saw."""
    library = ctypes.CDLL(sys.argv[2])
    assert library.foreign_start(1) == 0
    library.foreign_ask()
    start("named")
    for call in [
        ctypes.CDLL(sys.argv[2]).foreign_fork,
        ctypes.PyDLL(sys.argv[2]).foreign_fork,
        library.foreign_fork_from_thread,
    ]:
        assert call() == 7
    fork()


def sub_interpreter():
    """Threads of another interpreter, which has a threading module of its own."""
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        import _interpreters as interpreters
    ready = os.path.join(os.environ["TMPDIR"], "ready")
    code = """if True:
        import threading, time
        threads = [threading.Thread(target=time.sleep, args=[20], name='inner') for _ in range(2)]
        for thread in threads:
            thread.start()
        open(%r, 'w').close()
        time.sleep(20)
        """ % ready
    try:
        inner = interpreters.create(isolated=False)  # in one that is isolated, no threads
    except TypeError:
        inner = interpreters.create()
    start("outer", lambda: interpreters.run_string(inner, code))
    for _ in range(1000):
        if os.path.exists(ready):
            break
        time.sleep(0.01)
    # CPython aborts or hangs in a child that has other interpreters: do not wait for it.
    seen = len(os.listdir("/proc/self/task"))
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.kill(child, 9)
    os.waitpid(child, 0)
    print(json.dumps({"threads": seen}), flush=True)
    os._exit(0)  # nobody waits for the other interpreter


def at_exit():
    """A fork while the interpreter ends."""
    import atexit

    start("named")
    atexit.register(fork)


def forks_in_threads():
    """Several threads fork at once."""
    together = threading.Barrier(8)

    def run():
        together.wait()
        fork()
        together.wait()  # all are alive until all have forked

    threads = [threading.Thread(target=run, name="forks") for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def from_a_thread():
    """The thread that forks lives on in the child: it is not among the lost ones of its line."""
    start("waits")
    start("forks", fork).join()


def generations():
    """A thread of the child forks, and its child's thread again."""

    def next_generation(left):
        start("waits")
        if left:
            child = os.fork()
            if child == 0:
                thread = start("forks", lambda: next_generation(left - 1))
                thread.join()
                os._exit(0)
            os.waitpid(child, 0)
        else:
            fork()

    next_generation(3)


def standard():
    """What the standard library starts."""
    import asyncio
    import logging.handlers
    import multiprocessing
    import queue
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1)
    pool.submit(int).result()
    named = ThreadPoolExecutor(1, thread_name_prefix="mine")
    named.submit(int).result()
    listener = logging.handlers.QueueListener(queue.Queue())
    listener.start()
    feeder = multiprocessing.get_context("fork").Queue()
    feeder.put("something")
    timer = threading.Timer(60, int)
    timer.daemon = True
    timer.start()
    loop = asyncio.new_event_loop()
    start("loop", loop.run_forever)
    fork()
    os._exit(0)


globals()[sys.argv[1]]()
