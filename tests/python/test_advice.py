# SPDX-License-Identifier: Apache-2.0
"""The advice about threads of Python code: the first one that a report gives helps the job when typed."""

import re
from dataclasses import dataclass

import pytest

import support
from python_jobs import POOLS

ENV = {**POOLS, "FORKPOLICY_OPTIONS": "hang_seconds=1"}
LIMIT = 30  # seconds
HANGS = 2  # seconds, after which what has not ended bare never will


@dataclass(frozen=True)
class Job:
    name: str
    text: str
    advice: str  # what the report says first
    old: str  # what the advice changes
    new: str
    limit: int = LIMIT  # where the report is of a wait that goes on

    def followed(self):
        assert self.text.count(self.old) == 1
        return self.text.replace(self.old, self.new)


START = """
if __name__ == "__main__":
    {begin}
    worker = multiprocessing.Process(target=work)
    worker.start()
    worker.join()
    raise SystemExit(worker.exitcode)
"""

LISTENER = """
import logging.handlers, multiprocessing, os, queue

records = queue.Queue()
listener = logging.handlers.QueueListener(records, logging.StreamHandler())


def work():
    logging.getLogger("job").warning("from the child")
    records.join()


def begin():
    logging.getLogger("job").addHandler(logging.handlers.QueueHandler(records))
    listener.start()
    logging.getLogger("job").warning("from the parent")
    records.join()

""" + START.format(begin="begin()")

THREAD = """
import multiprocessing, os, queue, threading

tasks = queue.Queue()


def serve():
    while True:
        tasks.get()
        tasks.task_done()


def work():
    tasks.put(1)
    tasks.join()

""" + START.format(begin="threading.Thread(target=serve, daemon=True).start()")

NEW_THREAD = """
def start():
    global tasks
    tasks = queue.Queue()
    threading.Thread(target=serve, daemon=True).start()


if __name__ == "__main__":
    os.register_at_fork(after_in_child=start)
"""

LOOP = """
import asyncio, multiprocessing, os, threading

loop = asyncio.new_event_loop()


async def answer():
    return 1


def work():
    asyncio.run_coroutine_threadsafe(answer(), loop).result()

""" + START.format(begin="threading.Thread(target=loop.run_forever, daemon=True).start()\n    work()")

NEW_LOOP = """
def start():
    global loop
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()


if __name__ == "__main__":
    os.register_at_fork(after_in_child=start)
"""

EXECUTOR = """
import multiprocessing
from concurrent.futures import ThreadPoolExecutor

threads = ThreadPoolExecutor(1)


def work():
    threads.submit(int).result()

""" + START.format(begin="work()")

FORKED = """
import os
from concurrent.futures import ThreadPoolExecutor

threads = ThreadPoolExecutor(1)
threads.submit(int).result()
child = os.fork()
if child == 0:
    threads.submit(int).result()
    os._exit(0)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

POOL = """
import multiprocessing

pool = None


def work():
    pool.apply(int)


def begin():
    global pool
    pool = multiprocessing.Pool(1)
    work()

""" + START.format(begin="begin()")

LOCK = """
import os, threading, time

lock, held = threading.Lock(), threading.Event()


def hold():
    with lock:
        held.set()
        time.sleep(0.3)


threading.Thread(target=hold, name="holder").start()
held.wait()
child = os.fork()
if child == 0:
    with lock:
        os._exit(0)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

MAIN = 'if __name__ == "__main__":\n'
SPAWN = 'multiprocessing.set_start_method("forkserver") or "spawn" at the start of main'
STOPPED = "os.register_at_fork(before=listener.stop, after_in_parent=listener.start, after_in_child=listener.start)"
HELD = "os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)"

JOBS = [
    Job("listener", LISTENER, STOPPED, "    listener.start()\n", f"    listener.start()\n    {STOPPED}\n"),
    Job(
        "thread",
        THREAD,
        "os.register_at_fork(after_in_child=start), where start() makes the thread and its queue or loop anew",
        MAIN,
        NEW_THREAD,
    ),
    Job(
        "loop",
        LOOP,
        "os.register_at_fork(after_in_child=start), where start() makes the thread and its queue or loop anew",
        MAIN,
        NEW_LOOP,
        limit=6,
    ),
    Job("executor", EXECUTOR, SPAWN, MAIN, f'{MAIN}    multiprocessing.set_start_method("spawn")\n'),
    Job("forked", FORKED, "fork before the library is first used", "threads.submit(int).result()\nchild", "child"),
    Job("pool", POOL, "create the pool in the child", "    pool.apply(int)\n", "    multiprocessing.Pool(1).apply(int)\n"),
    Job("lock", LOCK, f"hold the lock while forking: {HELD}", "child = os.fork()", f"{HELD}\nchild = os.fork()"),
]


def run(text, folder, policy=None, limit=LIMIT, **settings):
    file = folder / "job.py"
    file.write_text(text)
    command = [support.environment_python("wheels"), file]
    return support.run(
        command, policy=policy, preload=policy is not None, env=ENV, timeout=limit, cwd=folder, **settings
    )


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_the_first_advice_works(job, tmp_path):
    told = run(job.text, tmp_path, "fail", limit=job.limit).stderr
    (first,) = re.findall(r"^forkpolicy:   do      (.*)", told, re.M)
    assert first.startswith(job.advice), told
    after = run(job.followed(), tmp_path, "fail")
    assert after.status == 0 and "forkpolicy:" not in after.stderr, after
    assert run(job.followed(), tmp_path).status == 0


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_bare_they_hang(job, tmp_path):
    assert run(job.text, tmp_path, limit=HANGS).status is None
