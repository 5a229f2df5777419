"""Nanoseconds in a child forked beside a foreign thread, the best of 20 batches: a lock of Python's
acquired and released by one thread, and a message that goes to another thread and back.

child_python.py LIBRARY lock|queue. SPDX-License-Identifier: Apache-2.0
"""

import queue
import sys
import threading

import child


def use_lock(times):
    lock = threading.Lock()
    for _ in range(times):
        lock.acquire()
        lock.release()


def ping_pong(times):
    there, back = queue.Queue(), queue.Queue()

    def answer():
        for _ in range(times):
            back.put(there.get())

    thread = threading.Thread(target=answer)
    thread.start()
    for number in range(times):
        there.put(number)
        back.get()
    thread.join()


CASES = {"lock": (use_lock, 100_000), "queue": (ping_pong, 500)}


def work():
    print(child.best(*CASES[sys.argv[2]]))
    child.must_be_watched()


child.start_foreign(sys.argv[1])
child.in_child(work)
