# SPDX-License-Identifier: Apache-2.0
"""kinds.py CASE: a job of one of ten kinds, which hangs or works; says "ready" just before it waits.

Where a line is to be named, the comment "here" and the case's name are on it.
"""

import asyncio
import multiprocessing
import os
import queue
import signal
import socketserver
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

context = multiprocessing.get_context("fork")
LONG = 90  # seconds
kept = []


def ready():
    os.write(1, b"ready\n")


def with_threads():
    """Threads that rest, for each child to have lost."""
    pool = ThreadPoolExecutor(2)
    pool.submit(int).result()
    kept.append(pool)
    return pool


def in_child(function):
    child = os.fork()
    if child == 0:
        try:
            function()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def thread(function, *arguments):
    started = threading.Thread(target=function, args=arguments, daemon=True)
    started.start()
    return started


def holds(lock):
    """A thread that has the lock for long."""
    has = threading.Event()

    def hold():
        with lock:
            has.set()
            time.sleep(LONG)

    thread(hold)
    has.wait()


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


# What works: workers at rest


def idle_pool():
    workers = context.Pool(2)
    workers.map(int, "12")
    ready()
    time.sleep(LONG)


def idle_executor():
    workers = ProcessPoolExecutor(2, mp_context=context)
    list(workers.map(int, "12"))
    ready()
    time.sleep(LONG)


def idle_loader():
    import torch

    with_threads()
    numbers = torch.utils.data.DataLoader(
        range(10), num_workers=2, persistent_workers=True, multiprocessing_context="fork"
    )
    assert len(list(numbers)) == 10
    ready()
    time.sleep(LONG)


def pool_at_work():
    """Its results are waited for by a parent whose own threads wait, too."""
    with context.Pool(2) as workers:
        ready()
        workers.map(time.sleep, [LONG] * 2)


# Servers


def serve_in_child():
    with_threads()
    server = socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler)
    ready()
    in_child(server.serve_forever)


def serve_asyncio():
    with_threads()

    async def serve():
        made = await asyncio.start_server(print, "127.0.0.1", 0)
        ready()
        await made.serve_forever()

    in_child(lambda: asyncio.run(serve()))


def serve_in_threads():
    """Whose main thread waits for them."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler)
    serving = thread(server.socket.accept)
    ready()
    serving.join()


# Schedulers


def scheduler():
    with_threads()

    def work():
        ready()
        while True:
            time.sleep(LONG)

    in_child(work)


def timer():
    due = threading.Event()
    threading.Timer(LONG, due.set).start()
    ready()
    while not due.is_set():
        due.wait()


# Threads at rest


def threads_beside_signals():
    with_threads()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    ready()
    signal.sigwait([signal.SIGUSR1])


def threads_beside_a_handler():
    """Its queue is filled by a signal."""
    with_threads()
    answers = queue.SimpleQueue()
    signal.signal(signal.SIGTERM, lambda *_: answers.put(1))
    ready()
    answers.get()


def parked():
    with_threads()
    ready()
    threading.Event().wait()


def parked_child():
    with_threads()

    def child():
        ready()
        threading.Event().wait()

    in_child(child)


# Consumers


def fed_by_a_thread():
    tasks = queue.Queue()

    def produce():
        time.sleep(LONG)
        tasks.put(1)

    thread(produce)
    ready()
    tasks.get()


def fed_by_a_process():
    tasks = context.Queue()

    def produce():
        time.sleep(LONG)
        tasks.put(1)

    context.Process(target=produce, daemon=True).start()
    ready()
    tasks.get()


# Children and parents


def parent_computes():
    with_threads()
    reads, _ = os.pipe()
    if os.fork() == 0:
        os.read(reads, 1)
        os._exit(0)
    ready()
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        pass


def event_of_the_parent():
    with_threads()
    event = context.Event()
    context.Process(target=event.wait, daemon=True).start()
    ready()
    time.sleep(LONG)


def waits_for_a_program():
    ready()
    subprocess.run(["sleep", str(LONG)])


def reads_from_a_program():
    """Behind a shell, which waits for both."""
    ready()
    subprocess.run("sleep 90 | cat", shell=True)


def ping_pong():
    """Two processes, one of which waits at any moment."""
    to_child, from_parent = os.pipe()
    to_parent, from_child = os.pipe()
    reads, writes = (to_child, from_child) if os.fork() == 0 else (to_parent, from_parent)
    if reads == to_parent:
        ready()
        os.write(writes, b"1")
    while os.read(reads, 1):
        os.write(writes, b"1")


if __name__ == "__main__":
    signal.alarm(LONG)
    globals()[sys.argv[1]]()
