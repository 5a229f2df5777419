# SPDX-License-Identifier: Apache-2.0
"""primitives.py WAIT [FOLDER]: a forked child that lost a thread waits for ever.

With FOLDER, a copy of this file in there does: a folder named site-packages makes it a library.
Runs on every Python since 3.6. Stdout:

    raised TYPE     the child, where its wait came to that
    status N        the parent: the child's exit status, or "hung", after PRIMITIVES_LIMIT seconds

primitives.py pickled: a child sends its error, and the error's class, to its parent.

    pickle HEX      the child: both in a list, with each protocol
    received TYPE CLASS

primitives.py pool LIBRARY LOADER: a task of a multiprocessing.Pool waits in jobs/foreign.c, loaded
by LOADER of ctypes: CDLL lets go of Python's lock, PyDLL keeps it.

    raised TYPE MESSAGE     the parent
"""

import concurrent.futures
import ctypes
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
import time

FORK = multiprocessing.get_context("fork")
LIMIT = float(os.environ.get("PRIMITIVES_LIMIT", 20))


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def start(function, daemon=True):
    thread = threading.Thread(target=function, daemon=daemon)
    thread.start()
    return thread


class Parent:
    """What is made before the fork."""

    def __init__(self):
        self.executor = concurrent.futures.ThreadPoolExecutor(1)
        self.executor.submit(str).result()
        self.rlock = threading.RLock()
        self.lock = threading.Lock()
        held = threading.Event()
        start(lambda: self.hold(held))
        held.wait()

    def hold(self, held):
        with self.rlock, self.lock:
            held.set()
            time.sleep(3600)


# Waits in the child: a comment marks the line that does.


def lock_acquire(parent):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()  # waits


def with_lock(parent):
    lock = threading.Lock()
    lock.acquire()
    with lock:  # waits
        pass


def with_rlock(parent):
    with parent.rlock:  # waits
        pass


def with_old_lock(parent):
    with parent.lock:  # waits
        pass


def condition_wait(parent):
    condition = threading.Condition()
    with condition:
        condition.wait()  # waits


def event_wait(parent):
    threading.Event().wait()  # waits


def future_result(parent):
    parent.executor.submit(str).result()  # waits


def queue_get(parent):
    queue.Queue().get()  # waits


def simple_queue_get(parent):
    queue.SimpleQueue().get()  # waits


def barrier_wait(parent):
    threading.Barrier(2).wait()  # waits


def block():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def thread_join(parent):
    blocked = start(block)
    blocked.join()  # waits


def joined_future(parent):
    """Two runtimes were lost, and the thread waits for one of them."""
    asks = start(lambda: parent.executor.submit(str).result())
    asks.join()  # waits


def thread_with_lock(parent):
    """The wait that nobody can end is another thread's."""
    blocked = start(lambda: with_lock(parent))
    while blocked.is_alive():
        blocked.join()  # waits


def joined_at_exit(parent):
    """Python itself waits for the thread, when the program is over."""
    start(lambda: with_old_lock(parent), daemon=False)
    sys.exit(0)


def nested_fork(parent):
    grandchild = os.fork()
    if grandchild == 0:
        wait_in_child(future_result, parent)
    status = os.waitpid(grandchild, 0)[1]
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 99)


def wait_in_child(wait, parent):
    try:
        wait(parent)
        os._exit(0)
    except SystemExit:
        raise
    except BaseException as error:
        say("raised", type(error).__name__)
        os._exit(3)


def say_status(child):
    limit = time.monotonic() + LIMIT
    while time.monotonic() < limit:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            say("status", os.WEXITSTATUS(status) if os.WIFEXITED(status) else "signal")
            return
        time.sleep(0.01)
    say("status", "hung")
    os.kill(child, signal.SIGKILL)


def wait(name, folder=None):
    waits = sys.modules["__main__"]
    if folder:
        sys.path.insert(0, folder)
        import primitives as waits
    parent = Parent()
    child = os.fork()
    if child == 0:
        wait_in_child(getattr(waits, name), parent)
    else:
        say_status(child)
        os._exit(0)


def send_error(parent, parents):
    try:
        future_result(parent)
    except RuntimeError as error:
        both = [error, type(error)]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        say("pickle", pickle.dumps(both, protocol).hex())
    parents.put(both)


def pickled():
    errors = FORK.Queue()
    child = FORK.Process(target=send_error, args=(Parent(), errors))
    child.start()
    error, kind = errors.get(timeout=LIMIT)
    say("received", type(error).__name__, kind.__name__)
    child.join()
    os._exit(child.exitcode)


def ask(number):
    library.foreign_ask()


def pool(path, loader):
    global library
    library = getattr(ctypes, loader)(path)
    library.foreign_start(1)
    ask(0)
    try:
        with FORK.Pool(1) as workers:
            workers.map(ask, range(1))
    except RuntimeError as error:
        say("raised", type(error).__name__, error)


if __name__ == "__main__":
    if sys.argv[1] == "pickled":
        pickled()
    elif sys.argv[1] == "pool":
        pool(*sys.argv[2:])
    else:
        wait(*sys.argv[1:])
