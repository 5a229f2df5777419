# SPDX-License-Identifier: Apache-2.0
"""A package `ticker` with a thread that does tasks, and a child that has asked it: ticking.py WAY."""

import os
import sys
import threading
import time
from pathlib import Path

SOURCE = """
import threading

class Ticker:
    def __init__(self):
        self.event, self.resting = threading.Event(), threading.Event()

    def start(self):
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while True:
            self.resting.set()
            self.event.wait(60)
            self.event.clear()

    def ask(self):
        self.event.set()

    def stop(self):
        self.event.set()
"""

folder = Path(os.environ["TMPDIR"]) / "site-packages"
(folder / "ticker").mkdir(parents=True, exist_ok=True)
(folder / "ticker" / "__init__.py").write_text(SOURCE)
sys.path.insert(0, str(folder))
import ticker  # noqa: E402

made = ticker.Ticker()
made.start()
made.resting.wait()
while "futex" not in Path(f"/proc/self/task/{made.thread.native_id}/wchan").read_text():
    time.sleep(0.01)


def ask():
    made.ask()
    made.ask()


def stop():
    made.stop()


def start_anew():
    made.start()
    made.ask()


def lock():
    with threading.Lock():
        pass


for _ in range(2):
    if os.fork() == 0:
        globals()[sys.argv[1]]()
        os._exit(0)
    os.wait()
print("done")
