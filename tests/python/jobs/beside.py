# SPDX-License-Identifier: Apache-2.0
"""beside.py CASE COMPANY: hanging.py's case, in a child that has two threads of its own.

sleeper     the other one sleeps, and has nothing to do with it
sleeping    the other one hangs, and the main thread sleeps
joining     the other one hangs, and the main thread waits for its end
"""

import os
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


def main(case, company):
    parent = os.getpid()
    again = getattr(hanging, case)()
    use = globals()[company]
    hanging.beside = lambda: lambda: again() if os.getpid() == parent else use(again)
    hanging.main("beside")


if __name__ == "__main__":
    main(*sys.argv[1:])
