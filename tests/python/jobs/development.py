# SPDX-License-Identifier: Apache-2.0
"""development.py: a thread, then children by every start method: their exit codes, in JSON.

Runs on every Python since 3.6.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import threading


def main():
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    codes = {}
    for method in ("fork", "spawn", "forkserver"):
        process = multiprocessing.get_context(method).Process(target=os.getpid)
        process.start()
        process.join()
        codes[method] = process.exitcode
    child = os.fork()
    if child == 0:
        done.set()
        # Python 3.8 in development mode is ended by SIGBUS here, without a shim, too.
        os._exit(0) if sys.version_info < (3, 9) else sys.exit(0)
    codes["os.fork"] = os.waitpid(child, 0)[1]
    codes["subprocess"] = subprocess.call([sys.executable, "-c", "pass"])
    done.set()
    thread.join()
    print(json.dumps(codes))


if __name__ == "__main__":
    main()
