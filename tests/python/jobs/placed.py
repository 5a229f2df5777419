# SPDX-License-Identifier: Apache-2.0
"""placed.py WAIT...: forks in first() and in second(), with a thread of its own that a policy file may
call lost; a child whose function is named waits for the lock that it holds. Says what became of each fork."""

import os
import sys
import threading
import time

lock = threading.Lock()
is_held = threading.Event()


def hold():
    with lock:
        is_held.set()
        time.sleep(3600)


threading.Thread(target=hold, name="holder", daemon=True).start()
is_held.wait()


def child(name):
    status = 0
    if name in sys.argv[1:]:
        try:
            lock.acquire()
        except RuntimeError:  # the error that ends the wait
            status = 70
    os._exit(status)


def first():
    return os.fork() or child("first")


def second():
    return os.fork() or child("second")


def third():
    """Through the standard library: its line is the innermost."""
    return os.forkpty()[0] or child("third")


for function in (first, second, third):
    try:
        pid = function()
    except Exception as error:
        print(function.__name__, type(error).__name__, flush=True)
    else:
        status = os.waitpid(pid, 0)[1]
        print(function.__name__, os.WEXITSTATUS(status), flush=True)
