# SPDX-License-Identifier: Apache-2.0
"""dill_pool.py LIBRARY: a task of a pool of multiprocess, as datasets and pathos use it, that hangs."""

import ctypes
import sys

import multiprocess

library = ctypes.CDLL(sys.argv[1])
assert library.foreign_start(2) == 0
library.foreign_ask()


def ask(_):
    return library.foreign_ask()


with multiprocess.get_context("fork").Pool(1) as workers:
    try:
        workers.map(ask, [1])
    except RuntimeError as error:
        print("raised", error)
