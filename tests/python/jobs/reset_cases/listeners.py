# SPDX-License-Identifier: Apache-2.0
"""logging's QueueListener."""

import logging
import logging.handlers
import multiprocessing
import os
import queue
import tempfile
import threading
import time
from pathlib import Path

from reset_cases.base import Case, prepare, same, until


class Handled(logging.Handler):
    """Writes what it handles to a file: one line for each record, in one write."""

    def __init__(self):
        super().__init__()
        self.file = Path(tempfile.mkdtemp(), "log")
        self.file.touch()
        self.gate = None

    def emit(self, record):
        if self.gate:
            self.gate.wait()
        with open(self.file, "a") as file:
            file.write(f"{record.getMessage()}\n")

    def lines(self):
        return self.file.read_text().splitlines()


def listening(records):
    """A logger whose records go through a queue to a listener."""
    handled, log = Handled(), logging.getLogger("resets")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(logging.handlers.QueueHandler(records))
    listener = logging.handlers.QueueListener(records, handled)
    listener.start()
    log.info("before")
    until(lambda: handled.lines() == ["before"])
    return listener, handled, log


def check_listener(records):
    listener, handled, log = listening(records)
    gate = handled.gate = threading.Event()
    for word in ("one", "two", "three"):
        log.info(word)  # handled by the parent, and by nobody else
    time.sleep(0.02)

    def child():
        gate.set()
        log.info("child")
        until(lambda: "child" in handled.lines())
        same(handled.lines(), ["before", "child"])

    def parent():
        gate.set()
        log.info("parent")
        until(lambda: "parent" in handled.lines())
        own = [line for line in handled.lines() if line != "child"]
        same(own, ["before", "one", "two", "three", "parent"])

    return Case(child, parent)


def listener():
    return check_listener(queue.Queue(-1))


def listener_simple_queue():
    return check_listener(queue.SimpleQueue())


def listener_process():
    """A multiprocessing child says something and ends: nothing is left in the queue."""
    listener, handled, log = listening(queue.Queue(-1))

    def work():
        for i in range(100):
            log.info("from the child %d", i)

    def parent():
        process = multiprocessing.get_context("fork").Process(target=work)
        prepare()
        process.start()
        process.join(10)
        same(process.exitcode, 0)
        same(handled.lines()[1:], [f"from the child {i}" for i in range(100)])
        listener.stop()

    return Case(lambda: None, parent)


def listener_shared():
    """multiprocessing's queue: the parent listens to the child."""
    records = multiprocessing.get_context("fork").Queue()
    listener, handled, log = listening(records)

    def child():
        time.sleep(0.1)
        same(handled.lines(), ["before"])
        assert not listener._thread.is_alive()

    def parent():
        log.info("parent")
        until(lambda: "parent" in handled.lines())

    return Case(child, parent)


def says_its_pid():
    """A listener of a queue: a function that logs, and waits until that is handled."""
    _, handled, log = listening(queue.Queue(-1))

    def use():
        log.info("%d %d", os.getpid(), len(handled.lines()))
        until(lambda: f"{os.getpid()} " in handled.file.read_text())

    return use


def listener_used():
    return Case(says_its_pid())
