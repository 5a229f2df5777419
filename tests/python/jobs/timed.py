# SPDX-License-Identifier: Apache-2.0
"""timed.py LIBRARY WAIT SECONDS: a child waits in timed.c again and again, until it is killed."""

import ctypes
import os
import signal
import sys
import time


def gil():
    """The library calls back twice; the second call asks for Python's lock 200 times a second."""
    function = ctypes.CFUNCTYPE(None)
    library.timed_call(function(ctypes.PyDLL(sys.argv[1]).timed_keep), function(int))
    os._exit(3)


library = ctypes.CDLL(sys.argv[1])
assert library.timed_start() == 0
child = os.fork()
if child == 0:
    gil() if sys.argv[2] == "gil" else library[f"timed_{sys.argv[2]}"]()
time.sleep(float(sys.argv[3]))
os.kill(child, signal.SIGKILL)
print(os.waitpid(child, 0)[1])
