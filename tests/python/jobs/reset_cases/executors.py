# SPDX-License-Identifier: Apache-2.0
"""ThreadPoolExecutor."""

import asyncio
import concurrent.futures
import gc
import os
import queue
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from reset_cases.base import BELONGS, Case, prepare, raises, same, until


def idle_pool(workers=2, **settings):
    """An executor all of whose threads wait for work."""
    pool = ThreadPoolExecutor(workers, **settings)
    together = threading.Barrier(workers)
    for future in [pool.submit(together.wait) for _ in range(workers)]:
        future.result()
    time.sleep(0.02)
    return pool


def executor():
    pool = idle_pool()

    def use():
        same(pool.submit(int, "42").result(), 42)
        same(list(pool.map(int, "123")), [1, 2, 3])

    return Case(use)


def executor_tasks():
    """One task that runs, others that wait, one that was cancelled; a callback; as_completed."""
    pool, gate, called = ThreadPoolExecutor(1), threading.Event(), []
    started = threading.Event()

    def wait_for_gate():
        started.set()
        return gate.wait()

    futures = [pool.submit(wait_for_gate), pool.submit(int, "1"), pool.submit(int, "2")]
    cancelled = pool.submit(int, "3")
    cancelled.cancel()
    for future in futures:
        future.add_done_callback(lambda future: called.append(os.getpid()))
    done = pool.submit(int, "4")
    started.wait()

    def child():
        raises(RuntimeError, f"wait_for_gate {BELONGS}", futures[0].result)
        raises(RuntimeError, f"builtins.int {BELONGS}", futures[1].result)
        same(concurrent.futures.wait(futures).not_done, set())
        same(set(concurrent.futures.as_completed(futures)), set(futures))
        raises(concurrent.futures.CancelledError, "", cancelled.result)
        same(called, [])
        raises(RuntimeError, BELONGS, done.result)
        same(pool.submit(int, "42").result(), 42)
        pool.shutdown()
        raises(RuntimeError, "after shutdown", pool.submit, int, "42")

    def parent():
        gate.set()
        same([future.result() for future in futures], [True, 1, 2])
        same(done.result(), 4)
        until(lambda: called == [os.getpid()] * 3)
        same(pool.submit(int, "42").result(), 42)

    # Others wait for the same tasks at the fork.
    threading.Thread(target=concurrent.futures.wait, args=[futures], daemon=True).start()
    until(lambda: futures[0]._waiters)
    return Case(child, parent)


def executor_as_completed():
    """The fork is in the middle of a loop over as_completed."""
    pool, gate = ThreadPoolExecutor(2), threading.Event()
    quick, slow = pool.submit(int, "1"), pool.submit(gate.wait)
    completed = concurrent.futures.as_completed([quick, slow])
    same(next(completed), quick)

    def child():
        (rest,) = completed
        raises(RuntimeError, BELONGS, rest.result)

    def parent():
        gate.set()
        same(list(completed), [slow])

    return Case(child, parent)


def executor_handed_over():
    """A task that a worker was just given: since 3.13 it is in no queue then."""
    pool, futures = idle_pool(1), []

    def work():
        time.sleep(0.2)
        return 7

    def child():
        raises(RuntimeError, f"work {BELONGS}", futures[-1].result)
        same(pool.submit(int, "42").result(), 42)

    def parent():
        same(futures[-1].result(), 7)

    return Case(child, parent, last=lambda: futures.append(pool.submit(work)))


def executor_abandoned():
    """Nobody holds the executor any more, its tasks are still done."""
    pool, gate = ThreadPoolExecutor(1), threading.Event()
    started = threading.Event()
    futures = [pool.submit(lambda: started.set() or gate.wait()), pool.submit(int, "1")]
    started.wait()
    del pool
    gc.collect()

    def child():
        for future in futures:
            raises(RuntimeError, BELONGS, future.result)

    def parent():
        gate.set()
        same(futures[1].result(), 1)

    return Case(child, parent)


class Ordered(ThreadPoolExecutor):
    """As in many a recipe: a subclass with priorities, and an initializer."""

    def __init__(self, workers):
        super().__init__(workers, initializer=self.begin, initargs=("begun",))
        self._work_queue = queue.PriorityQueue()
        self.local = threading.local()

    def begin(self, word):
        self.local.word = word


class Entry:
    """A work item that can be ordered."""

    def __init__(self, priority, item):
        self.priority, self.item, self.future = priority, item, item.future

    def __lt__(self, other):
        return self.priority < other.priority

    def run(self, *arguments):
        return self.item.run(*arguments)


def executor_subclass():
    pool = ThreadPoolExecutor(1, initializer=lambda: setattr(local, "word", "begun"))
    local = threading.local()

    def use():
        same(pool.submit(lambda: local.word).result(), "begun")

    use()
    return Case(use)


def executor_priorities():
    pool = Ordered(1)
    put = pool._work_queue.put
    pool._work_queue.put = lambda item: put(item and Entry(0, item))
    gate, started = threading.Event(), threading.Event()
    busy = pool.submit(lambda: started.set() or gate.wait())
    waiting = pool.submit(lambda: pool.local.word)
    started.wait()

    def child():
        raises(RuntimeError, BELONGS, busy.result)
        raises(RuntimeError, BELONGS, waiting.result)
        same(pool.submit(lambda: pool.local.word).result(), "begun")

    def parent():
        gate.set()
        same(waiting.result(), "begun")

    return Case(child, parent)


def executor_lock():
    """Another thread is in the middle of `submit`."""
    pool, gate, held = idle_pool(), threading.Event(), threading.Event()

    def hold():
        with pool._shutdown_lock:
            held.set()
            gate.wait()

    threading.Thread(target=hold, daemon=True).start()
    held.wait()

    def parent():
        gate.set()
        same(pool.submit(int, "42").result(), 42)

    return Case(lambda: same(pool.submit(int, "42").result(), 42), parent)


def executor_in_worker():
    """A worker forks: its executor has no other thread."""
    pool = idle_pool(1)
    return Case(
        lambda: same(pool.submit(int, "42").result(60), 42),
        fork_in=lambda function: pool.submit(function).result(),
    )


def executor_with_coroutine():
    """A coroutine that goes on in the child waits for an executor of the parent."""
    pool, gate = ThreadPoolExecutor(1), threading.Event()

    async def main():
        waiting = asyncio.wrap_future(pool.submit(gate.wait))
        await asyncio.sleep(0.02)
        prepare()
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            try:
                await waiting
            except RuntimeError as error:
                os._exit(0 if BELONGS in str(error) else 1)
        same(os.waitpid(child, 0)[1], 0)
        gate.set()
        same(await waiting, True)

    return Case(lambda: None, parent=lambda: asyncio.run(main()))
