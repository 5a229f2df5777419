# SPDX-License-Identifier: Apache-2.0
"""timed.py LIBRARY WAIT SECONDS: a child waits in timed.c again and again, until it is killed."""

import ctypes
import os
import signal
import sys
import time

library = ctypes.CDLL(sys.argv[1])
assert library.timed_start() == 0
child = os.fork()
if child == 0:
    library[f"timed_{sys.argv[2]}"]()
time.sleep(float(sys.argv[3]))
os.kill(child, signal.SIGKILL)
print(os.waitpid(child, 0)[1])
