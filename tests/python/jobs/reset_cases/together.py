# SPDX-License-Identifier: Apache-2.0
"""Several runtimes at a time, and many forks."""

import asyncio
import collections
import concurrent.futures
import os
import random
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from reset_cases.base import BELONGS, Case, prepare, reports, same
from reset_cases.loops import answer, ask, running_loop
from reset_cases.executors import idle_pool
from reset_cases.listeners import says_its_pid


def everything():
    """An executor, a loop and a listener: a function that uses them."""
    pool, (loop, _), say = idle_pool(), running_loop(), says_its_pid()

    def use():
        ask(loop)
        same(pool.submit(int, "42").result(), 42)
        say()

    return use


def several():
    return Case(everything())


def fork_again(use):
    """Forks a child that uses something; it must end well."""
    prepare()
    grandchild = os.fork()
    if grandchild == 0:
        try:
            signal.alarm(60)
            use()
            os._exit(0)
        except BaseException as error:
            print(error, file=sys.stderr)
        os._exit(1)
    same(os.waitpid(grandchild, 0)[1], 0)


def grandchild():
    """The child forks before it has used anything, and after."""
    use = everything()

    def child():
        fork_again(use)
        use()
        fork_again(use)
        use()

    return Case(child, use)


def storm():
    """At the fork other threads submit, work and wait: no future is left open in the child."""
    pool, (loop, _) = ThreadPoolExecutor(3), running_loop()
    asked = collections.deque(maxlen=30)
    rests = threading.Event()

    def again_and_again(function):
        while not rests.is_set():
            futures = function()
            asked.extend(futures)
            concurrent.futures.wait(futures)

    def submit():
        return [pool.submit(sum, range(100)), pool.submit(time.sleep, 0.001)]

    def run():
        coroutines = (answer(), answer(0.001))
        return [asyncio.run_coroutine_threadsafe(each, loop) for each in coroutines]

    for function in (submit, submit, run, run):
        threading.Thread(target=again_and_again, args=[function], daemon=True).start()

    def child():
        asked_before = list(asked)
        same(pool.submit(int, "42").result(), 42)
        ask(loop)
        _, open_still = concurrent.futures.wait(asked_before, 30)
        assert not open_still, (open_still, reports)
        for future in asked_before:
            error = future.exception()
            assert error is None or BELONGS in str(error), error

    def parent():
        rests.set()
        for future in list(asked):
            future.result()

    # A fork at any moment
    return Case(child, parent, last=lambda: time.sleep(random.random() * 0.002))


def backlog():
    """At the fork workers take one old task after the other, and keep the GIL busy."""

    def work():
        end = time.thread_time() + 0.001
        while time.thread_time() < end:
            pass

    pool, futures = ThreadPoolExecutor(3), []

    def last():
        if len(futures) < 20_000 and pool._work_queue.qsize() < 500:
            futures[:] = [pool.submit(work) for _ in range(2000)]
        time.sleep(random.random() * 0.01)

    def child():
        _, open_still = concurrent.futures.wait(futures, 30)
        assert not open_still, (open_still, reports)
        same(pool.submit(int, "42").result(), 42)

    def parent():
        same(concurrent.futures.wait(futures).not_done, set())

    return Case(child, parent, last)


def one_fails():
    """A reset that fails is reported, and hinders no other."""
    use = everything()

    class Strange(asyncio.AbstractEventLoop):
        def run_forever(self):
            threading.Event().wait()

        def is_closed(self):
            return False

    threading.Thread(target=Strange().run_forever, daemon=True).start()
    return Case(use)


def nothing():
    return Case(lambda: None)


def costs():
    """A hundred executors with four threads each, at rest."""
    pools = [idle_pool(4) for _ in range(100)]
    return Case(lambda: same([pool.submit(int, "1").result() for pool in pools], [1] * 100))
