# SPDX-License-Identifier: Apache-2.0
"""parked.py NAME: a child that sleeps until its parent ends it, as idle workers do.

The parent has a thread that the child has lost. It ends the child (terminate) when that has been seen
asleep for a while, and prints how it ended.
"""

import concurrent.futures
import logging.handlers
import multiprocessing
import os
import queue
import signal
import sys
import threading
import time

FORK = multiprocessing.get_context("fork")
WHILE = 2.2  # seconds asleep: a thread leaves it that long to the main one to speak


def lose_a_thread():
    lock = threading.Lock()
    lock.acquire()
    threading.Thread(target=lock.acquire, daemon=True).start()


EXECUTOR = concurrent.futures.ThreadPoolExecutor(1)


def lose_an_executor():
    EXECUTOR.submit(int).result()


def is_asleep(pid):
    """Whether every thread of a process sleeps in a futex, in a read or in pause."""
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] != "S":
                    return False
    except OSError:
        return False
    return True


def see_asleep(pids, seconds=WHILE):
    """Asleep for so long, save for the moments in which a watch looks around; or until one ends."""
    end = time.monotonic() + seconds
    while time.monotonic() < end or not all(map(is_asleep, pids)):
        if not all(os.path.exists(f"/proc/{pid}/task") for pid in pids):
            return
        time.sleep(0.01)


def end(*children):
    see_asleep([child.pid for child in children])
    for child in children:
        child.terminate()
    for child in children:
        child.join()
        # None: a thread of the executor's has waited for it as well, and was first
        status = -signal.SIGTERM if child.exitcode is None else child.exitcode
        print("child ended with", status)


def start(function, *arguments):
    child = FORK.Process(target=function, args=arguments)
    child.start()
    return child


# In the main thread of the child, by what the program itself made there.


def condition():
    changed = threading.Condition()
    with changed:
        changed.wait()


def semaphore():
    threading.Semaphore(0).acquire()


def barrier():
    threading.Barrier(2).wait()


def lock():
    own = threading.Lock()
    own.acquire()
    own.acquire()


def event():
    threading.Event().wait()


def queue_get():
    queue.Queue().get()


def simple_queue_get():
    queue.SimpleQueue().get()


def queue_join():
    tasks = queue.Queue()
    tasks.put(1)
    tasks.join()


def pause():
    signal.pause()


# By threads of the child.


def work_for_ever(tasks):
    while True:
        tasks.get()


def join_worker():
    worker = threading.Thread(target=work_for_ever, args=(queue.Queue(),), daemon=True)
    worker.start()
    worker.join()


def pause_beside_worker():
    threading.Thread(target=work_for_ever, args=(queue.Queue(),), daemon=True).start()
    signal.pause()


def event_beside_workers():
    for _ in range(3):
        threading.Thread(target=work_for_ever, args=(queue.Queue(),), daemon=True).start()
    threading.Event().wait()


def executor_at_rest():
    with concurrent.futures.ThreadPoolExecutor(2) as workers:
        workers.submit(int).result()
        threading.Event().wait()


def result_of_a_parked_task():
    workers = concurrent.futures.ThreadPoolExecutor(1)
    workers.submit(threading.Event().wait).result()


IN_CHILD = [
    condition,
    semaphore,
    barrier,
    lock,
    event,
    queue_get,
    simple_queue_get,
    queue_join,
    pause,
    join_worker,
    pause_beside_worker,
    event_beside_workers,
    executor_at_rest,
    result_of_a_parked_task,
]

# For what the parent has, too.


def worker_of_a_queue():
    end(start(work_for_ever, FORK.Queue()))


def worker_of_a_simple_queue():
    end(start(work_for_ever, FORK.SimpleQueue()))


def worker_of_a_joinable_queue():
    end(start(work_for_ever, FORK.JoinableQueue()))


def waiter_for_shared_condition():
    changed = FORK.Condition()

    def wait():
        with changed:
            changed.wait()

    end(start(wait))


def waiter_for_shared_event():
    end(start(FORK.Event().wait))


def waiter_for_shared_semaphore():
    end(start(FORK.Semaphore(0).acquire))


def waiter_for_shared_barrier():
    end(start(FORK.Barrier(2).wait))


# By objects of one process, which the parent has made, and nobody else has.


def inherited_simple_queue():
    end(start(queue.SimpleQueue().get))


def inherited_queue():
    end(start(queue.Queue().get))


def inherited_event():
    end(start(threading.Event().wait))


def inherited_semaphore():
    end(start(threading.Semaphore(0).acquire))


def pool():
    """Its workers wait for tasks; terminate ends them."""
    workers = FORK.Pool(2)
    print(workers.map(abs, [-1, -2]))
    see_asleep([child.pid for child in multiprocessing.active_children()])
    workers.terminate()
    workers.join()


def process_pool_executor():
    workers = concurrent.futures.ProcessPoolExecutor(2, mp_context=FORK)
    print(list(workers.map(abs, [-1, -2])))
    children = multiprocessing.active_children()
    end(*children)
    workers.shutdown()


BETWEEN = [
    worker_of_a_queue,
    worker_of_a_simple_queue,
    worker_of_a_joinable_queue,
    waiter_for_shared_condition,
    waiter_for_shared_event,
    waiter_for_shared_semaphore,
    waiter_for_shared_barrier,
    inherited_simple_queue,
    inherited_queue,
    inherited_event,
    inherited_semaphore,
    pool,
    process_pool_executor,
]


# By threads of the child's own, of a runtime whose threads were lost.


def listener_at_rest():
    logging.handlers.QueueListener(queue.Queue()).start()
    threading.Event().wait()


def executor_anew():
    lose_an_executor()
    end(start(executor_at_rest))


def executor_anew_beside_a_queue():
    def wait():
        concurrent.futures.ThreadPoolExecutor(2).submit(int).result()
        queue.Queue().get()

    lose_an_executor()
    end(start(wait))


def parked_task_anew():
    lose_an_executor()
    end(start(result_of_a_parked_task))


def listener_anew():
    listener = logging.handlers.QueueListener(queue.Queue())
    listener.start()
    end(start(listener_at_rest))


ANEW = [
    executor_anew,
    executor_anew_beside_a_queue,
    parked_task_anew,
    listener_anew,
]


def main():
    name = sys.argv[1]
    lose_a_thread()
    for function in IN_CHILD:
        if function.__name__ == name:
            end(start(function))
    for function in BETWEEN + ANEW:
        if function.__name__ == name:
            function()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
