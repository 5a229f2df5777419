"""Nanoseconds for os.fork in a torch process whose two threads have done an operation: the call in
the parent, and with waitpid for a child that ends at once. Both of the first fork, of the fastest of
the next ones, and of the fastest of those behind the loading of a library; then by how much the call
of the first is longer than the median of the next ones, and that of those behind a loading.

The kernel marks all pages at the first fork of all: that is made by a system call, and not counted.
fork_torch.py LIBRARY (any small one). SPDX-License-Identifier: Apache-2.0
"""

import _ctypes
import ctypes
import os
import platform
import signal
import statistics
import sys
import time

import torch

NEXT, LOADED = 30, 15
SETTLES = 0.1  # seconds
CLONE = {"x86_64": 56, "aarch64": 220}[platform.machine()]


def fork_by_system_call():
    child = ctypes.PyDLL(None).syscall(CLONE, signal.SIGCHLD, 0, 0, 0, 0)
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def fork():
    start = time.perf_counter_ns()
    child = os.fork()
    if not child:
        os._exit(0)
    forked = time.perf_counter_ns()
    os.waitpid(child, 0)
    return forked - start, time.perf_counter_ns() - start


def fork_behind_load():
    _ctypes.dlclose(_ctypes.dlopen(sys.argv[1], os.RTLD_NOW))
    return fork()


def least(forks):
    return [min(times) for times in zip(*forks)]


def median_call(forks):
    return statistics.median(call for call, _ in forks)


torch.set_num_threads(2)
values = torch.ones(1_000_000)
values + values
time.sleep(SETTLES)  # until the second thread has ceased to look for work
fork_by_system_call()
first = fork()
others = [fork() for _ in range(NEXT)]
loaded = [fork_behind_load() for _ in range(LOADED)]
usual = median_call(others)
print(*first, *least(others), *least(loaded), first[0] - usual, median_call(loaded) - usual)
