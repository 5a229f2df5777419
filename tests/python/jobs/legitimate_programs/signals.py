# SPDX-License-Identifier: Apache-2.0
"""Waits that a signal ends."""

import ctypes
import functools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from legitimate_programs.base import WAIT, print_end, start


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
