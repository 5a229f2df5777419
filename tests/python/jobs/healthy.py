# SPDX-License-Identifier: Apache-2.0
"""healthy.py CASE: processes at rest, each of which something will wake. Says "ready" then."""

import asyncio
import multiprocessing
import os
import queue
import select
import signal
import socketserver
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

from kinds_common import with_threads

context = multiprocessing.get_context("fork")


def ready():
    print("ready", flush=True)


def in_child(function):
    child = os.fork()
    if child == 0:
        try:
            function()
        finally:
            os._exit(0)
    time.sleep(0.3)
    ready()
    os.waitpid(child, 0)


def pool():
    workers = context.Pool(2)
    workers.map(int, "12")
    ready()
    time.sleep(60)


def process_executor():
    workers = ProcessPoolExecutor(2, mp_context=context)
    list(workers.map(int, "12"))
    ready()
    time.sleep(60)


def queue_consumer():
    tasks = context.Queue()
    with_threads()
    consumer = context.Process(target=tasks.get, daemon=True)
    consumer.start()
    time.sleep(0.3)
    ready()
    time.sleep(60)


def loader():
    import torch

    with_threads()
    numbers = torch.utils.data.DataLoader(
        range(10), num_workers=2, persistent_workers=True, multiprocessing_context="fork"
    )
    assert len(list(numbers)) == 10
    ready()
    time.sleep(60)


def server():
    with_threads()

    def serve():
        socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler).serve_forever()

    in_child(serve)


def asyncio_server():
    with_threads()

    async def serve():
        made = await asyncio.start_server(print, "127.0.0.1", 0)
        await made.serve_forever()

    in_child(lambda: asyncio.run(serve()))


def started_loop():
    """A program of its own that has lost nothing, beside a parent with a loop in a thread."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    code = "import asyncio; print('ready', flush=True); asyncio.run(asyncio.sleep(60))"
    subprocess.run([sys.executable, "-c", code])


def pipe():
    with_threads()
    reader, writer = os.pipe()
    threading.Timer(60, os.write, [writer, b"1"]).start()
    in_child(lambda: os.read(reader, 1))


def lock_of_another_process():
    lock = context.Lock()
    with_threads()
    lock.acquire()
    in_child(lock.acquire)


def event_of_another_process():
    event = context.Event()
    with_threads()
    in_child(event.wait)


def parked():
    """How a worker waits to be killed."""
    with_threads()
    in_child(lambda: threading.Event().wait())


def handled():
    """Only a signal wakes it: its handler gives what is waited for."""
    with_threads()

    def wait():
        answers = queue.SimpleQueue()
        signal.signal(signal.SIGTERM, lambda *_: answers.put(1))
        answers.get()

    in_child(wait)


def own_pool():
    """The child has threads of its own, which rest with it beside a socket."""
    with_threads()

    def work():
        mine = ThreadPoolExecutor(2)
        mine.submit(int).result()
        select.select([], [], [])

    in_child(work)


def older_than_the_threads():
    """The parent has started one since, of the same file: the child has not lost it."""

    def sleep():
        time.sleep(60)

    def work():
        mine, _ = os.pipe()
        poll = select.epoll()
        poll.register(mine, select.EPOLLIN)
        poll.poll()

    child = os.fork()
    if child == 0:
        work()
    time.sleep(0.3)  # the kernel's times have hundredths
    threading.Thread(target=sleep, daemon=True).start()
    ready()
    os.waitpid(child, 0)


def hundreds():
    """Of threads that wait alike."""
    event = threading.Event()
    for _ in range(500):
        threading.Thread(target=event.wait, daemon=True).start()
    ready()
    time.sleep(60)


def fed_by_timer():
    with_threads()

    def work():
        tasks = queue.Queue()
        threading.Timer(30, tasks.put, [1]).start()
        tasks.get()

    in_child(work)


def busy():
    with_threads()

    def spin():
        while True:
            pass

    in_child(spin)


def stopped():
    """By ^Z, or a debugger: in the midst of a wait that would be hopeless otherwise."""
    workers = with_threads()
    child = os.fork()
    if child == 0:
        workers.submit(int).result()
    time.sleep(0.5)
    os.kill(child, signal.SIGSTOP)
    os.waitpid(child, os.WUNTRACED)
    ready()
    time.sleep(60)


if __name__ == "__main__":
    signal.alarm(90)
    globals()[sys.argv[1]]()
