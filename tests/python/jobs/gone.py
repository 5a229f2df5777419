# SPDX-License-Identifier: Apache-2.0
"""Forks where Python still has the states of threads that are gone: gone.py exited|forked.

Those of threads that ended by pthread_exit within Python code, or of the parent's, in a child that C code forked. Their
stacks are other threads' by then.
"""

import ctypes
import os
import sys
import threading

libc = ctypes.CDLL(None)
began = threading.Semaphore(0)


def end():
    began.release()
    libc.pthread_exit(None)


def rest():
    began.release()
    threading.Event().wait()


def write_on_stacks():
    def descend(depth):
        return sorted([3, 2, 1], key=lambda number: descend(depth - 1) if depth else -number)[0]

    for _ in range(5):
        threads = [threading.Thread(target=descend, args=(3,)) for _ in range(3)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()


def are_threads(wanted):
    return len(os.listdir("/proc/self/task")) == wanted


def fork():
    write_on_stacks()
    child = os.fork()
    if child == 0:
        os._exit(3)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


for _ in range(3):
    threading.Thread(target=end if sys.argv[1] == "exited" else rest, daemon=True).start()
for _ in range(3):
    began.acquire()
if sys.argv[1] == "exited":
    while not are_threads(1):
        os.sched_yield()
    print(fork())
else:
    child = libc.fork()
    if child == 0:
        os._exit(fork())
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
