# SPDX-License-Identifier: Apache-2.0
"""legitimate.py NAME: programs whose children wait for long, and do well.

Each child has lost a thread of its parent's, and waits for a second and a half or more where
nothing seems to happen. Each wait ends, by whatever the program is made for.
"""

import asyncio
import concurrent.futures
import ctypes
import functools
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

FORK = multiprocessing.get_context("fork")
WAIT = 1.6


def park():
    """A thread that does nothing for ever, and that no child has."""
    lock = threading.Lock()
    lock.acquire()
    threading.Thread(target=lock.acquire, daemon=True).start()


def start(function, *arguments):
    process = FORK.Process(target=function, args=arguments)
    process.start()
    return process


def print_end(process):
    process.join()
    print("child ended with", process.exitcode)


def rest_and_return(value):
    time.sleep(WAIT)
    return value


# Between processes.


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


# Ended by a signal.


def signal_child(work, number=None):
    """Runs work(ready) in a child, and sends a signal a while after it has called ready()."""
    reading, writing = os.pipe()
    child = start(work, lambda: os.write(writing, b"."))
    os.read(reading, 1)
    time.sleep(WAIT)
    if number:
        os.kill(child.pid, number)
    print_end(child)


def set_by(number, ready):
    arrived = threading.Event()
    signal.signal(number, lambda *_: arrived.set())
    ready()
    arrived.wait()


def event_sigusr1():
    signal_child(functools.partial(set_by, signal.SIGUSR1), signal.SIGUSR1)


def event_sigint():
    signal_child(functools.partial(set_by, signal.SIGINT), signal.SIGINT)


def event_sigterm():
    signal_child(functools.partial(set_by, signal.SIGTERM), signal.SIGTERM)


def set_timer():
    signal.setitimer(signal.ITIMER_REAL, WAIT)


def event_sigalrm():
    child = start(set_by, signal.SIGALRM, set_timer)
    print_end(child)


def wait_for_interrupt(ready):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ready()
        threading.Event().wait()
    except KeyboardInterrupt:
        sys.exit(5)


def event_interrupted():
    signal_child(wait_for_interrupt, signal.SIGINT)


def pause_for_handler(ready):
    signal.signal(signal.SIGUSR1, lambda *_: None)
    ready()
    signal.pause()


def paused():
    signal_child(pause_for_handler, signal.SIGUSR1)


def wait_until_killed(ready):
    ready()
    threading.Event().wait()


def event_until_killed():
    signal_child(wait_until_killed, signal.SIGTERM)


def pause_until_killed(ready):
    ready()
    signal.pause()


def paused_until_killed():
    signal_child(pause_until_killed, signal.SIGTERM)


def wait_in_libc(ready):
    libc = ctypes.CDLL(None, use_errno=True)
    sem = ctypes.create_string_buffer(64)
    libc.sem_init(sem, 0, 0)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    ready()
    if libc.sem_wait(sem) != 0:
        sys.exit(ctypes.get_errno())


def ctypes_interrupted():
    signal_child(wait_in_libc, signal.SIGUSR1)


NATIVE = """
#include <errno.h>
#include <semaphore.h>
#include <signal.h>

static sem_t posted;

static void post(int number)
{
    (void)number;
    sem_post(&posted);
}

void post_on(int number)
{
    signal(number, post);
}

int wait_for_post(void)
{
    return sem_wait(&posted) ? errno : 0;
}
"""


@functools.lru_cache(None)
def native():
    """A library that waits by itself, as extension modules do."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "native.c"), Path(folder, "native.so")
        source.write_text(NATIVE)
        subprocess.run(["gcc", "-shared", "-fPIC", "-pthread", "-o", library, source], check=True)
        return ctypes.CDLL(str(library))


def wait_in_library(ready):
    """The wait breaks off for a handler of Python's, which can only then do its work."""
    arrived = []
    signal.signal(signal.SIGUSR1, lambda *_: arrived.append(True))
    ready()
    error = native().wait_for_post()
    sys.exit(error if arrived else 1)


def native_interrupted():
    native()
    signal_child(wait_in_library, signal.SIGUSR1)


def wait_for_native_handler(ready):
    native().post_on(signal.SIGUSR1)
    ready()
    sys.exit(native().wait_for_post())


def native_handler():
    native()
    signal_child(wait_for_native_handler, signal.SIGUSR1)


# Within the child.


async def run_beside_loop():
    return await asyncio.get_running_loop().run_in_executor(None, rest_and_return, 3)


def run_asyncio():
    sys.exit(asyncio.run(run_beside_loop()))


def asyncio_executor():
    print_end(start(run_asyncio))


def use_thread_pool():
    with concurrent.futures.ThreadPoolExecutor(2) as workers:
        first = workers.submit(rest_and_return, 3)
        second = workers.submit(first.result)  # waits for the first, and is waited for
        total = second.result()
        time.sleep(WAIT)  # both workers wait
        total += workers.submit(abs, -4).result()
    sys.exit(total)


def thread_pool():
    print_end(start(use_thread_pool))


def use_queue_and_thread():
    numbers, doubles = queue.Queue(), queue.Queue()
    thread = threading.Thread(target=double_all, args=(numbers, doubles))
    thread.start()
    numbers.put(rest_and_return(4))
    number = doubles.get()
    numbers.put(None)
    thread.join()
    threading.Thread(target=lambda: doubles.put(rest_and_return(3))).start()
    sys.exit(number + doubles.get())


def queue_and_thread():
    print_end(start(use_queue_and_thread))


def wait_for_written():
    reading, writing = os.pipe()
    threading.Timer(WAIT, os.write, (writing, b"3")).start()
    sys.exit(int(os.read(reading, 1)))


def timer_pipe():
    print_end(start(wait_for_written))


def wait_for_timer():
    """The timer's thread waits, too, though not without end."""
    due = threading.Event()
    threading.Timer(WAIT, due.set).start()
    due.wait()


def timer_event():
    print_end(start(wait_for_timer))


def wait_often():
    for _ in range(5):
        if threading.Event().wait(0.35):
            sys.exit(1)


def timeout_loop():
    print_end(start(wait_often))


def play(count):
    """Threads that have a condition in common, and go on in turns; now and then one sleeps."""
    turns = [0] * count
    over = threading.Event()
    condition = threading.Condition()
    end = time.monotonic() + WAIT

    def take_turns(number):
        while not over.is_set():
            with condition:
                condition.wait_for(lambda: over.is_set() or sum(turns) % count == number)
                if number == 0 and time.monotonic() > end:
                    over.set()
                turns[number] += not over.is_set()
                condition.notify_all()
            if turns[number] % 1000 == 0:
                time.sleep(0.03)

    threads = [threading.Thread(target=take_turns, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.exit(max(turns) - min(turns))


def ping_pong():
    print_end(start(play, 8))


def run_programs():
    subprocess.run(["sleep", str(WAIT)], check=True)
    said = subprocess.run(["cat"], input=b"3", stdout=subprocess.PIPE, check=True).stdout
    sys.exit(int(said))


def subprocess_in_child():
    print_end(start(run_programs))


def run_nested():
    park()
    child = start(wait_for_timer)
    child.join()
    sys.exit(child.exitcode)


def nested():
    print_end(start(run_nested))


def hand_on():
    """Each thread releases the lock that the next one waits for."""
    locks = [threading.Lock() for _ in range(4)]

    def wait_and_release(number):
        locks[number].acquire()
        time.sleep(0.55)
        locks[number + 1].release()

    for lock in locks:
        lock.acquire()
    for number in range(3):
        threading.Thread(target=wait_and_release, args=(number,)).start()
    locks[0].release()
    locks[3].acquire()


def lock_handed_on():
    print_end(start(hand_on))


def leave_a_thread():
    threading.Thread(target=rest_and_return, args=(0,)).start()


def last_thread():
    """The child's main thread has ended its work, and waits for the other."""
    print_end(start(leave_a_thread))


if __name__ == "__main__":
    park()
    globals()[sys.argv[1]]()
