"""Nanoseconds from lock.acquire() in the main thread, where nobody can release the lock, to the
exception, once for each of COUNT children. `two`: another thread of the child has been waiting for a
lock of its own. verdict_python.py LIBRARY one|two COUNT. SPDX-License-Identifier: Apache-2.0
"""

import sys
import threading
import time

import child

SETTLES = 0.002  # seconds
never, never_either = threading.Lock(), threading.Lock()


def work():
    if sys.argv[2] == "two":
        threading.Thread(target=never_either.acquire, daemon=True).start()
        time.sleep(SETTLES)
    start = time.perf_counter_ns()
    try:
        never.acquire()
    except Exception:
        print(time.perf_counter_ns() - start)
        return
    raise AssertionError("the lock was taken twice")


child.start_foreign(sys.argv[1])
never.acquire()
never_either.acquire()
for _ in range(int(sys.argv[3])):
    child.in_child(work)
