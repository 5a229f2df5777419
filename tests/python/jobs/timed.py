# SPDX-License-Identifier: Apache-2.0
"""timed.py LIBRARY WAIT SECONDS: a child waits in timed.c again and again, until it is killed."""

import contextlib
import ctypes
import os
import queue
import signal
import sys
import time


def gil():
    """The library calls back twice; the second call asks for Python's lock 200 times a second."""
    function = ctypes.CFUNCTYPE(None)
    library.timed_call(function(ctypes.PyDLL(sys.argv[1]).timed_keep), function(int))
    os._exit(3)


def ask():
    """Python's own wait, for what another process may bring."""
    empty = queue.Queue()
    while True:
        with contextlib.suppress(queue.Empty):
            empty.get(timeout=0.1)


OTHERS = {"gil": gil, "queue": ask}
library = ctypes.CDLL(sys.argv[1])
assert library.timed_start() == 0
child = os.fork()
if child == 0:
    wait = OTHERS.get(sys.argv[2])
    wait() if wait else library[f"timed_{sys.argv[2]}"]()
time.sleep(float(sys.argv[3]))
os.kill(child, signal.SIGKILL)
print(os.waitpid(child, 0)[1])
