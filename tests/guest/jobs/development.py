# SPDX-License-Identifier: Apache-2.0
"""development.py: children of every kind that multiprocessing has, and one of subprocess."""

import multiprocessing
import os
import subprocess
import sys


def work():
    pass


if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        child = multiprocessing.get_context(method).Process(target=work)
        child.start()
        child.join()
        print(method, child.exitcode)
    child = os.fork()
    if child == 0:
        os._exit(0)
    print("os.fork", os.waitpid(child, 0)[1])
    print("subprocess", subprocess.run([sys.executable, "-c", ""]).returncode)
