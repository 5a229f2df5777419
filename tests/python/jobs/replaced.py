# SPDX-License-Identifier: Apache-2.0
"""replaced.py WAY: children hang one after the other, each ended by the shim; the parent copes.

again       the main thread forks the next one
tasks       a Pool makes a new worker for every task, and gets an error for each
sibling     another thread forks them, beside a child that works
every_other another thread forks them, and every second one is well
"""

import concurrent.futures
import multiprocessing
import os
import sys
import threading
import time

SECONDS = 8  # longer than such a row may last that nobody ends
executor = concurrent.futures.ThreadPoolExecutor(1)
executor.submit(str).result()


def hang(number=0):
    time.sleep(0.2)
    executor.submit(str).result()


def child(function):
    pid = os.fork()
    if pid == 0:
        try:
            function()
            os._exit(0)
        finally:
            os._exit(1)
    return pid


def row(*functions):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for function in functions:
            os.waitpid(child(function), 0)


def beside(*functions):
    thread = threading.Thread(target=row, args=functions)
    thread.start()
    thread.join()


def again():
    row(hang)


def tasks():
    errors = []
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as workers:
        results = [workers.apply_async(hang, [i], error_callback=errors.append) for i in range(36)]
        for result in reversed(results):  # the main thread waits for the last one
            result.wait()
    assert len(errors) == len(results)


def sibling():
    works = child(lambda: time.sleep(SECONDS + 1))
    beside(hang)
    os.waitpid(works, 0)


def every_other():
    beside(hang, lambda: time.sleep(0.2))


globals()[sys.argv[1]]()
print("fine")
