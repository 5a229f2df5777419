# SPDX-License-Identifier: Apache-2.0
"""fork_once.py LIBRARY...: uses the libraries, counts the threads, forks once, says what it saw."""

import json
import os
import platform
import socket
import sys

import libraries

kept = [libraries.use(name) for name in sys.argv[1:]]
libraries.settle()
# OpenBLAS ends its threads in its own fork handler: what counts is how many there are before.
seen = {
    "threads": libraries.threads(),
    "pid": os.getpid(),
    "parent": os.getppid(),
    "host": socket.gethostname(),
    "version": platform.python_version(),
    "python": libraries.python_library(),
}
child = os.fork()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
print(json.dumps(dict(seen, child=child)), flush=True)
os._exit(0)  # some libraries crash in their own clean-up
