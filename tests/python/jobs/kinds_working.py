# SPDX-License-Identifier: Apache-2.0
"""kinds_working.py CASE: a job at rest, which something will wake; says "ready" just before."""

import asyncio
import ctypes
import os
import queue
import signal
import socketserver
import subprocess
import threading
import time
from concurrent.futures import ProcessPoolExecutor

from kinds_common import LONG, context, in_child, ready, run, thread, with_threads

# Workers at rest


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


def child_whose_main_thread_left():
    answers = context.SimpleQueue()

    def child():
        thread(lambda: (time.sleep(LONG), answers.put(1)))
        ready()
        ctypes.CDLL(None).pthread_exit(None)

    context.Process(target=child, daemon=True).start()
    answers.get()


def child_by_the_file_system():
    """It opens the pipe's end when it needs that."""
    reads, writes = os.pipe()
    subprocess.Popen(["sh", "-c", f"sleep {LONG}; echo > /proc/{os.getpid()}/fd/{writes}"])
    ready()
    os.read(reads, 1)


def child_sends_a_signal():
    signal.signal(signal.SIGINT, lambda *_: None)
    parent, lock = os.getpid(), threading.Lock()
    context.Process(target=lambda: (time.sleep(LONG), os.kill(parent, signal.SIGINT)), daemon=True).start()
    lock.acquire()
    ready()
    lock.acquire()


def with_server():
    def serve():
        server = socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        server.serve_forever()

    context.Process(target=serve, daemon=True).start()


def parked_beside_a_server():
    with_server()
    ready()
    queue.Queue().get()


def joins_beside_a_server():
    """Until Ctrl-C."""
    stop = threading.Event()
    waiting = thread(lambda: (with_server(), ready(), stop.wait()))
    try:
        waiting.join()
    except KeyboardInterrupt:
        stop.set()


if __name__ == "__main__":
    run(globals())
