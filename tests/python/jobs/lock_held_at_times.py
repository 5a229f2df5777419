# SPDX-License-Identifier: Apache-2.0
"""A thread holds a lock for a moment in every millisecond; "held" or "free" is what a child finds."""

import os
import threading
import time

lock = threading.Lock()
table = {}


def work():
    while True:
        with lock:
            for number in range(20):
                table[number] = number
        time.sleep(0.001)


threading.Thread(target=work, daemon=True).start()
time.sleep(0.05)
child = os.fork()
if child == 0:
    os._exit(0 if lock.acquire(timeout=0.3) else 1)
print("held" if os.waitpid(child, 0)[1] else "free", flush=True)
os._exit(0)
