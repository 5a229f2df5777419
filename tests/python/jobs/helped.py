# SPDX-License-Identifier: Apache-2.0
"""helped.py LIBRARY WAIT HELPERS: a worker with resting threads waits for what it has lost.

WAIT is `native`: for threads of the library; or `parked`: for nothing that was lost. Each of HELPERS,
with commas between them, is the name of a function here that starts a thread.
"""

import ctypes
import multiprocessing
import os
import sys
import threading
from multiprocessing import reduction

import own_helper

FORK = multiprocessing.get_context("fork")
library = ctypes.CDLL(sys.argv[1])


def feeder():
    """Of a multiprocessing.Queue; it waits for the next item."""
    queue = FORK.Queue()
    queue.put(1)
    assert queue.get() == 1


def sharer():
    """It hands file descriptors to processes that connect, and waits for one."""
    reduction.DupFd(os.pipe()[0])


def own():
    own_helper.start()


def reader():
    """Not a helper: who writes to its pipe may have it do anything."""
    threading.Thread(target=os.read, args=(os.pipe()[0], 1), daemon=True).start()


def native():
    library.foreign_ask()


def parked():
    threading.Event().wait()


def work(wait, helpers):
    for name in helpers.split(","):
        globals()[name]()
    globals()[wait]()


if __name__ == "__main__":
    assert library.foreign_start(2) == 0
    library.foreign_ask()
    worker = FORK.Process(target=work, args=sys.argv[2:])
    worker.start()
    worker.join(float(os.environ.get("HELPED_SECONDS", "20")))
    print("worker ended with", worker.exitcode, flush=True)
    worker.kill()
    worker.join()
