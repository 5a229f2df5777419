# SPDX-License-Identifier: Apache-2.0
"""Waits that another process ends."""

import concurrent.futures
import functools
import os
import threading
import time

from legitimate_programs.base import FORK, WAIT, print_end, start


def pool():
    with FORK.Pool(2) as workers:
        first = workers.map(abs, range(-20, 0))
        time.sleep(WAIT)
        print(first + workers.map(abs, range(-20, 0)))


def executor():
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=FORK) as workers:
        first = list(workers.map(abs, range(-20, 0)))
        time.sleep(WAIT)
        print(first + list(workers.map(abs, range(-20, 0))))


def double_all(numbers, doubles):
    for number in iter(numbers.get, None):
        doubles.put(2 * number)


def mp_queue():
    numbers, doubles = FORK.Queue(), FORK.Queue()
    child = start(double_all, numbers, doubles)
    numbers.put(1)
    first = doubles.get()
    time.sleep(WAIT)
    numbers.put(2)
    print(first, doubles.get())
    numbers.put(None)
    print_end(child)


def use(lock):
    with lock:
        pass


def mp_locks():
    lock, event, condition, barrier = FORK.Lock(), FORK.Event(), FORK.Condition(), FORK.Barrier(2)

    def wait_on_condition():
        with condition:
            condition.wait()

    lock.acquire()
    waits = [functools.partial(use, lock), event.wait, wait_on_condition, barrier.wait]
    children = [start(wait) for wait in waits]
    time.sleep(WAIT)
    lock.release()
    event.set()
    with condition:
        condition.notify()
    barrier.wait()
    for child in children:
        print_end(child)


def take_one(numbers, results):
    results["taken"] = numbers.get()


def manager():
    """The thread of the manager's process that serves the child waits in a queue of its own."""
    with FORK.Manager() as server:
        numbers, results = server.Queue(), server.dict()
        child = start(take_one, numbers, results)
        time.sleep(WAIT)
        numbers.put(7)
        print_end(child)
        print(dict(results))


class Squares:
    def __len__(self):
        return 64

    def __getitem__(self, i):
        return i * i


def loader(epochs, idle):
    """Pauses with the workers done with their work, or with their queues full."""
    from torch.utils.data import DataLoader

    batches = DataLoader(
        Squares(),
        batch_size=4,
        num_workers=2,
        persistent_workers=True,
        multiprocessing_context="fork",
    )
    total = 0
    for epoch in range(epochs):
        time.sleep(WAIT if epoch else 0)
        for number, batch in enumerate(batches):
            total += int(batch.sum())
            time.sleep(idle if number == 3 else 0)
    print(total)


def loader_persistent():
    loader(2, 0)


def loader_idle():
    loader(1, 3)


def wait_for_feeder(reading):
    fed = threading.Event()

    def feed():
        os.read(reading, 1)
        fed.set()

    threading.Thread(target=feed).start()
    fed.wait()


def pipe_fed():
    reading, writing = os.pipe()
    child = start(wait_for_feeder, reading)
    time.sleep(WAIT)
    os.write(writing, b".")
    print_end(child)
