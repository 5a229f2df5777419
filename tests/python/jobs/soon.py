# SPDX-License-Identifier: Apache-2.0
"""soon.py WAIT OTHERS COUNT LIBRARY: how soon a child hears that it waits for ever.

COUNT children, one after the other, lose a thread of LIBRARY (foreign.c) and wait: "lock" in
Python, to the exception, "library" in there, to the end of the process. OTHERS threads of the child
wait already, for the same lock. The last line is the list of seconds.
"""

import ctypes
import json
import os
import struct
import sys
import threading
import time

SETTLES = 0.02  # seconds


held = threading.Lock()  # by nobody in the child: a lock that is older than the fork
held.acquire()


def wait_for_lock():
    with held:
        pass


def wait_in_child(wait, others, times):
    for _ in range(others):
        threading.Thread(target=wait_for_lock, daemon=True).start()
    time.sleep(SETTLES if others else 0)
    os.write(times, struct.pack("d", time.monotonic()))
    try:
        wait()
    except RuntimeError:
        os.write(times, struct.pack("d", time.monotonic()))
    finally:
        os._exit(3)


def seconds(wait, others):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        wait_in_child(wait, others, writing)
    status = os.waitpid(child, 0)[1]
    ended = time.monotonic()
    times = struct.iter_unpack("d", os.read(reading, 16))
    begun, *raised = [each for (each,) in times]
    assert os.WEXITSTATUS(status) == (3 if raised else 70)
    os.close(reading)
    os.close(writing)
    return (raised or [ended])[0] - begun


def main(name, others, count, path):
    library = ctypes.CDLL(path)
    library.foreign_start(1)
    library.foreign_ask()
    wait = {"lock": wait_for_lock, "library": library.foreign_ask}[name]
    print(json.dumps([seconds(wait, int(others)) for _ in range(int(count))]))


if __name__ == "__main__":
    main(*sys.argv[1:])
