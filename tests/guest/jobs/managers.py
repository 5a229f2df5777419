# SPDX-License-Identifier: Apache-2.0
"""managers.py NAME: a Manager's server, forked beside threads of the parent, that has little to do.

It is well, and is asked in the end.
"""

import concurrent.futures
import multiprocessing
import os
import queue
import sys
import threading
import time

FORK = multiprocessing.get_context("fork")
LONG = float(os.environ.get("MANAGERS_SECONDS", "3"))  # several times hang_seconds


def sleep_and_put(results):
    time.sleep(LONG)
    results.put(1)


def sleep_and_return(value):
    time.sleep(LONG)
    return value


def pool_whose_results_are_polled():
    """As datasets.map(num_proc=2) does with a slow function."""
    with FORK.Pool(2) as pool, FORK.Manager() as manager:
        results = manager.Queue()
        for _ in range(2):
            pool.apply_async(sleep_and_put, (results,))
        count = 0
        while count < 2:
            try:
                count += results.get(timeout=0.05)
            except queue.Empty:
                pass
        print(count)


def pool_that_does_not_ask_it():
    with FORK.Pool(2) as pool, FORK.Manager() as manager:
        shared = manager.dict()
        shared[1] = 2
        print(pool.map(sleep_and_return, range(2)), dict(shared))


def made_by_other_functions():
    def make_pool():
        return FORK.Pool(2)

    def make_manager():
        return FORK.Manager()

    pool = make_pool()
    manager = make_manager()
    shared = manager.dict()
    shared[1] = 2
    print(pool.map(sleep_and_return, range(2)), dict(shared))
    pool.terminate()
    manager.shutdown()


def beside_an_executor():
    with concurrent.futures.ThreadPoolExecutor(2) as workers:
        result = workers.submit(sleep_and_return, 1)
        with FORK.Manager() as manager:
            shared = manager.dict()
            shared[1] = 2
            print(result.result(), dict(shared))


def locked_for_long():
    """The server's thread waits in the lock for whoever has it."""
    with FORK.Pool(1) as pool, FORK.Manager() as manager:
        lock = manager.Lock()
        lock.acquire()
        asks = threading.Thread(target=lock.acquire)
        asks.start()
        print(pool.map(sleep_and_return, [3]))
        lock.release()
        asks.join()


NAMES = [
    pool_whose_results_are_polled,
    pool_that_does_not_ask_it,
    made_by_other_functions,
    beside_an_executor,
    locked_for_long,
]

if __name__ == "__main__":
    {each.__name__: each for each in NAMES}[sys.argv[1]]()
    print("well")
