# SPDX-License-Identifier: Apache-2.0
"""primitives.py WAIT [FOLDER]: a forked child that lost a thread waits for ever.

With FOLDER, a copy of this file in there does: a folder named site-packages makes it a library.
Runs on every Python since 3.6. Stdout:

    raised TYPE     the child, where its wait came to that
    status N        the parent: the child's exit status, or "hung", after LIMIT seconds
"""

import concurrent.futures
import os
import queue
import signal
import sys
import threading
import time

LIMIT = float(os.environ.get("PRIMITIVES_LIMIT", 20))


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def start(function, daemon=True):
    thread = threading.Thread(target=function, daemon=daemon)
    thread.start()
    return thread


def rest():
    time.sleep(3600)


# What the parent makes, before the fork.


def hold(lock):
    held = threading.Event()

    def keep():
        with lock:
            held.set()
            rest()

    start(keep)
    held.wait()


class Parent:
    def __init__(self):
        self.rlock = threading.RLock()
        hold(self.rlock)
        self.executor = concurrent.futures.ThreadPoolExecutor(1)
        self.executor.submit(str).result()


# Waits in the child: a comment marks each line that does.


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


def joined_at_exit(parent):
    """Python itself does, when the program is over."""
    start(block, daemon=False)
    sys.exit(0)


def nested_fork(parent):
    grandchild = os.fork()
    if grandchild == 0:
        wait_in_child(condition_wait, parent)
    end(grandchild)


def wait_in_child(wait, parent):
    try:
        wait(parent)
        os._exit(0)
    except SystemExit:
        raise
    except BaseException as error:
        say("raised", type(error).__name__)
        os._exit(3)


def end(child):
    """Leaves with the child's exit status."""
    status = os.waitpid(child, 0)[1]
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 99)


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


def main(name, folder=None):
    waits = sys.modules["__main__"]
    if folder:
        sys.path.insert(0, folder)
        import primitives as waits
    parent = Parent()
    child = os.fork()
    if child == 0:
        wait_in_child(getattr(waits, name), parent)
        return
    say_status(child)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
