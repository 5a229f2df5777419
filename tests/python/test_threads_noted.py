# SPDX-License-Identifier: Apache-2.0
"""A fork notes the parent's Python threads: no code of the program runs meanwhile, and threads may come and go."""

import errno

import pytest

import interpreters
import support

JOB = """
import os, signal, sys, threading, time
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(1)
pool.submit(int).result()
seen = []


def fork():
    child = os.fork()
    if child == 0:
        os._exit(3)
    return child


{job}
sys.stdout.flush()
os._exit(0)
"""
# Attributes of threading.Thread are the program's own code here.
CODE = """
class Mine(threading.Thread):
    @property
    def _name(self):
        seen.append("name")
    @_name.setter
    def _name(self, value):
        pass
    def __getattribute__(self, name):
        seen.append(name)
        return super().__getattribute__(name)


for _ in range(3):
    Mine(target=time.sleep, args=(60,), daemon=True).start()
seen.clear()
child = fork()
told = list(seen)
print(os.waitpid(child, 0)[1], told)
"""
AUDIT = """
for _ in range(3):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
sys.addaudithook(lambda event, arguments: seen.append(event))
child = fork()
told = list(seen)
print(os.waitpid(child, 0)[1], told)
"""
# A property that lets other threads run, while threads end.
CHURN = """
sys.setswitchinterval(1e-6)


class Mine(threading.Thread):
    @property
    def _native_id(self):
        time.sleep(0)
    @_native_id.setter
    def _native_id(self, value):
        pass


def churn():
    while True:
        thread = Mine(target=int, daemon=True)
        thread.start()
        thread.join()


for _ in range(6):
    threading.Thread(target=churn, daemon=True).start()
for _ in range(200):
    assert os.waitpid(fork(), 0)[1] == 768
print("forked")
"""
# Threads of C code come to Python at every moment of a fork. A child of CPython's may wait for ever: it is ended.
NATIVE = """
import ctypes

libc = ctypes.CDLL(None)


@ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
def call(argument):
    return None


def start():
    thread = ctypes.c_ulong()
    while True:
        if libc.pthread_create(ctypes.byref(thread), None, call, None) == 0:
            libc.pthread_join(thread, None)


for _ in range(6):
    threading.Thread(target=start, daemon=True).start()
for _ in range(500):
    child = fork()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
print("forked")
"""
# Options that only waitid takes: an error at once, while the child lives.
OPTIONS = """
signal.alarm(20)
child = os.fork()
if child == 0:
    time.sleep(60)
for options in (os.WEXITED, os.WNOWAIT, os.WEXITED | os.WNOHANG):
    for pid in (child, -1, 0):
        try:
            os.waitpid(pid, options)
        except OSError as error:
            seen.append(error.errno)
os.kill(child, signal.SIGKILL)
print(os.waitpid(child, 0)[1], set(seen))
"""


def run(python, job, folder):
    if not python:
        pytest.skip("this Python is not here")
    file = folder / "job.py"
    file.write_text(JOB.replace("{job}", job))
    outcome = support.run([python, "-W", "ignore", file], timeout=120)
    assert outcome.status == 0 and not outcome.stderr, outcome
    return outcome.stdout


@pytest.fixture(params=["3.9", "3.10", "3.11", "3.12", "3.13"])
def python(request):
    return next(iter(interpreters.find(request.param).values()), None)


def test_the_code_of_a_thread_object_does_not_run(python, tmp_path):
    assert run(python, CODE, tmp_path) == "768 []\n"


def test_no_audit_hook_hears_of_it(python, tmp_path):
    assert run(python, AUDIT, tmp_path) == "768 ['os.fork']\n"


def test_threads_end_meanwhile(python, tmp_path):
    assert run(python, CHURN, tmp_path) == "forked\n"


def test_native_threads_come_meanwhile(python, tmp_path):
    assert run(python, NATIVE, tmp_path) == "forked\n"


def test_a_wait_with_options_that_it_does_not_take(python, tmp_path):
    assert run(python, OPTIONS, tmp_path) == f"9 {{{errno.EINVAL}}}\n"
