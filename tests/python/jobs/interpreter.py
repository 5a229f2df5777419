# SPDX-License-Identifier: Apache-2.0
"""interpreter.py LIBRARY: a lost runtime by ctypes, a named thread, and a forked Process.

Runs on every Python since 3.6.
"""

import ctypes
import json
import multiprocessing
import os
import sys
import threading
import traceback


def main():
    foreign = ctypes.CDLL(sys.argv[1])
    assert foreign.foreign_start(2) == 0
    first = foreign.foreign_ask()
    done = threading.Event()
    named = threading.Thread(target=done.wait, name="a named thread")
    named.start()
    report = {"threads": len(os.listdir("/proc/self/task")), "exitcode": None}
    process = multiprocessing.get_context("fork").Process(target=os.getpid)
    try:
        process.start()
        process.join()
        report["exitcode"] = process.exitcode
    except (RuntimeError, OSError) as error:
        kind = type(error)
        report["error"] = [kind.__module__, kind.__name__, getattr(error, "errno", None)]
        report["message"] = str(error)
        frame = traceback.extract_tb(error.__traceback__)[-1]
        report["last"] = [os.path.basename(frame.filename), frame.name, frame.line]
    report["answers"] = foreign.foreign_ask() == first + 1
    done.set()
    named.join()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
