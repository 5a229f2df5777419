# SPDX-License-Identifier: Apache-2.0
"""repeats.py LIBRARY: a child waits for a lock of Python's in compiled code, held by a lost thread.

The code asks again whatever comes of it, as Cython's locks do (fastrlock, h5py 3.13 and earlier).
"""

import ctypes
import os
import sys
import threading

library = ctypes.PyDLL(sys.argv[1])
library.lock_make.restype = ctypes.c_void_p
lock = ctypes.c_void_p(library.lock_make())
held = threading.Event()


def hold():
    library.lock_take(lock)
    held.set()
    threading.Event().wait()


threading.Thread(target=hold, daemon=True).start()
held.wait()
child = os.fork()
if child == 0:
    library.lock_take(lock)
    os._exit(0)
print("status", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
os._exit(0)
