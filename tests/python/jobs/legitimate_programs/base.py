# SPDX-License-Identifier: Apache-2.0
"""What the programs share."""

import multiprocessing
import threading
import time

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
