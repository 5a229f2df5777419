# SPDX-License-Identifier: Apache-2.0
"""kinds_hanging.py CASE: a job of one of ten kinds, which hangs; says "ready" just before.

The line that is to be named has the comment "here" and the case's name.
"""

import asyncio
import os
import queue
import subprocess
import sys
import threading
import time

from kinds_common import LONG, context, holds, in_child, ready, run, thread, with_threads

# A thread pool that the fork lost


def executor_in_child():
    pool = with_threads()

    def child():
        ready()
        pool.submit(str, 42).result()  # here: executor_in_child

    in_child(child)


def executor_in_worker():
    global shared
    shared = with_threads()
    with context.Pool(1) as workers:
        workers.map(ask_shared, [1])


def ask_shared(number):
    ready()
    return shared.submit(abs, number).result()  # here: executor_in_worker


# A lock that was held at the fork


def lock_held():
    lock = threading.Lock()
    holds(lock)

    def child():
        ready()
        lock.acquire()  # here: lock_held

    in_child(child)


def mutex_held():
    import ctypes

    libc, mutex, has = ctypes.CDLL(None), (ctypes.c_char * 64)(), threading.Event()

    def hold():
        libc.pthread_mutex_lock(mutex)
        has.set()
        time.sleep(LONG)

    thread(hold)
    has.wait()

    def child():
        ready()
        libc.pthread_mutex_lock(mutex)  # here: mutex_held

    in_child(child)


# Two locks, taken in two orders


def two_locks():
    first, second, both = threading.Lock(), threading.Lock(), threading.Barrier(2)

    def take(one, other):
        with one:
            both.wait()
            ready()
            other.acquire()  # here: two_locks

    thread(take, first, second)
    take(second, first)


def two_mutexes():
    import ctypes

    libc = ctypes.CDLL(None)
    first, second, both = (ctypes.c_char * 64)(), (ctypes.c_char * 64)(), threading.Barrier(2)

    def take(one, other):
        libc.pthread_mutex_lock(one)
        both.wait()
        ready()
        libc.pthread_mutex_lock(other)  # here: two_mutexes

    thread(take, first, second)
    take(second, first)


# Queue.join, where nobody calls task_done


def consume(tasks):
    while True:
        tasks.get()


def queue_join():
    tasks = queue.Queue()
    thread(consume, tasks)
    tasks.put(1)
    ready()
    tasks.join()  # here: queue_join


def queue_join_in_child():
    def child():
        tasks = queue.Queue()
        thread(consume, tasks)
        tasks.put(1)
        ready()
        tasks.join()  # here: queue_join_in_child

    in_child(child)


# Queue.get, where nobody is left who puts


def queue_get():
    tasks = queue.Queue()
    thread(tasks.put, 1)
    tasks.get()
    ready()
    tasks.get()  # here: queue_get


def consumers_joined():
    tasks = queue.Queue()
    consumers = [thread(consume, tasks) for _ in range(3)]
    for number in range(10):
        tasks.put(number)
    ready()
    for each in consumers:
        each.join()  # here: consumers_joined


# A full pipe, whose reader waits for the end of its writer


def put_much(tasks):
    tasks.put("x" * 10_000_000)


def join_before_get():
    tasks = context.Queue()
    child = context.Process(target=put_much, args=(tasks,))
    child.start()
    ready()
    child.join()  # here: join_before_get
    tasks.get()


def wait_before_read():
    command = [sys.executable, "-c", "print('x' * 10_000_000)"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    ready()
    child.wait()  # here: wait_before_read


# Processes that wait for each other, by pipes


def both_read():
    to_child, from_parent = os.pipe()
    to_parent, from_child = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(to_child, 1)
        os.write(from_child, b"1")
        os._exit(0)
    ready()
    os.read(to_parent, 1)  # here: both_read
    os.write(from_parent, b"1")


def own_end_open():
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writes, b"all there is")
        os._exit(0)
    os.waitpid(child, 0)
    ready()
    while os.read(reads, 100):  # here: own_end_open
        pass


# A condition that nobody notifies


def condition():
    with_threads()
    changed = threading.Condition()
    ready()
    with changed:
        changed.wait()  # here: condition


def barrier():
    meeting = threading.Barrier(3)
    others = [thread(meeting.wait) for _ in range(2)]
    ready()
    for each in others:
        each.join()  # here: barrier


# Pools of native threads


def polars_in_child():
    import polars

    frame = polars.DataFrame({"x": range(100_000)})

    def total():
        return frame.lazy().group_by("x").agg(polars.len()).collect()  # here: polars_in_child

    total()

    def child():
        ready()
        total()

    in_child(child)


def torch_in_child():
    import torch

    matrix = torch.rand(600, 600)

    def total():
        return (matrix @ matrix).sum() + matrix.exp().sum()  # here: torch_in_child

    total()

    def child():
        ready()
        total()

    in_child(child)


# An event loop whose thread was lost


def started_loop():
    loop = asyncio.new_event_loop()
    thread(loop.run_forever)
    return loop


def loop_in_child():
    loop = started_loop()

    def child():
        ready()
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()  # here: loop_in_child

    in_child(child)


class Client:
    def __init__(self):
        self.loop = started_loop()

    def ask(self):
        asked = asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self.loop)
        ready()
        return asked.result()  # here: loop_of_a_client


def loop_of_a_client():
    client = Client()
    child = context.Process(target=client.ask)
    child.start()
    child.join()


if __name__ == "__main__":
    run(globals())
