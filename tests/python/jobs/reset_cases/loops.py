# SPDX-License-Identifier: Apache-2.0
"""asyncio: where a loop runs."""

import asyncio
import os
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

from reset_cases.base import BELONGS, Case, raises, same


async def answer(delay=0.0):
    await asyncio.sleep(delay)
    return 42


def ask(loop):
    same(asyncio.run_coroutine_threadsafe(answer(), loop).result(), 42)


def running_loop():
    """A loop that runs in a thread, and the thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="the-loop", daemon=True)
    thread.start()
    ask(loop)
    return loop, thread


def loop_in_thread():
    loop, thread = running_loop()

    def use():
        ask(loop)
        assert loop.is_running() and thread.is_alive()

    return Case(use)


def loop_unused():
    """A child that does not need the loop has no thread more."""
    loop, thread = running_loop()

    def child():
        same(len(os.listdir("/proc/self/task")), 1)
        assert loop.is_running() and not thread.is_alive()

    return Case(child, lambda: ask(loop))


def loop_in_function():
    loop = asyncio.new_event_loop()

    def run():
        asyncio.set_event_loop(loop)
        loop.run_forever()

    threading.Thread(target=run, daemon=True).start()
    ask(loop)
    return Case(lambda: ask(loop))


def loop_in_subclass():
    class Runner(threading.Thread):
        def run(self):
            self.loop = asyncio.new_event_loop()
            ready.set()
            self.loop.run_forever()

    ready, runner = threading.Event(), Runner(daemon=True)
    runner.start()
    ready.wait()
    ask(runner.loop)
    before = runner.loop

    def use():
        ask(runner.loop)
        assert runner.loop is before and runner.is_alive()

    return Case(use)


def loop_of_asyncio_run():
    loops = queue.Queue()

    async def main():
        loops.put(asyncio.get_running_loop())
        await asyncio.sleep(3600)

    threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
    loop = loops.get()
    ask(loop)
    return Case(lambda: ask(loop))


def loop_in_executor():
    loop, pool = asyncio.new_event_loop(), ThreadPoolExecutor(1)
    future = pool.submit(loop.run_forever)
    ask(loop)

    def child():
        ask(loop)
        raises(RuntimeError, f"run_forever {BELONGS}", future.result)

    def parent():
        ask(loop)
        loop.call_soon_threadsafe(loop.stop)
        future.result()

    return Case(child, parent)


def loop_just_started():
    """The thread has not come to the loop yet."""
    made = []

    def start():
        loop = asyncio.new_event_loop()
        made.append(loop)
        threading.Thread(target=loop.run_forever, daemon=True).start()

    return Case(lambda: ask(made[-1]), last=start)


def loop_in_main_thread():
    """The main thread runs the loop, and one of its executor's threads forks."""
    loops = []

    async def main(function):
        loops.append(asyncio.get_running_loop())
        other = asyncio.ensure_future(answer(0.2))
        try:
            return await loops[-1].run_in_executor(None, function)
        finally:
            same(await other, 42)

    return Case(
        lambda: ask(loops[-1]),
        parent=lambda: None,
        fork_in=lambda function: asyncio.run(main(function)),
    )
