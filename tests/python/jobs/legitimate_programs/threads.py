# SPDX-License-Identifier: Apache-2.0
"""Waits that a thread, a timer or a program of the child's own ends."""

import asyncio
import concurrent.futures
import os
import queue
import subprocess
import sys
import threading
import time

from legitimate_programs.base import WAIT, park, print_end, rest_and_return, start
from legitimate_programs.processes import double_all


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
