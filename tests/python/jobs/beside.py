# SPDX-License-Identifier: Apache-2.0
"""beside.py CASE COMPANY: hanging.py's case, in a child that has two threads of its own.

sleeper     the other one sleeps, and has nothing to do with it
sleeping    the other one hangs, and the main thread sleeps
joining     the other one hangs, and the main thread waits for its end
serving     the other one hangs, and the main thread waits for a connection
"""

import os
import select
import sys
import threading
import time

import hanging

REST = 3600  # seconds


def start(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def sleeper(again):
    start(time.sleep, REST)
    again()


def sleeping(again):
    start(again)
    time.sleep(REST)


def joining(again):
    start(again).join()


def serving(again):
    start(again)
    select.epoll().poll()


def rest():
    time.sleep(REST)


def main(case, company):
    parent = os.getpid()
    if company == "serving":
        start(rest)  # lost, and of this file: as if the main thread waited for it
    again = getattr(hanging, case)()
    use = globals()[company]
    hanging.beside = lambda: lambda: again() if os.getpid() == parent else use(again)
    hanging.main("beside")


if __name__ == "__main__":
    main(*sys.argv[1:])
