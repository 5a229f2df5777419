"""Nanoseconds for os.fork in a torch process whose two threads have done an operation: the call in
the parent, and with waitpid for a child that ends at once. Both of the first fork, then the medians
of the next ones, then of those that come behind the loading of a library.

fork_torch.py LIBRARY (any small one). SPDX-License-Identifier: Apache-2.0
"""

import _ctypes
import os
import statistics
import sys
import time

import torch

NEXT, LOADED = 30, 15


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


def medians(forks):
    return [statistics.median(times) for times in zip(*forks)]


torch.set_num_threads(2)
values = torch.ones(1_000_000)
values + values
print(
    *fork(),
    *medians([fork() for _ in range(NEXT)]),
    *medians([fork_behind_load() for _ in range(LOADED)]),
)
