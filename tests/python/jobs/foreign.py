# SPDX-License-Identifier: Apache-2.0
"""foreign.py PATH:THREADS...: starts threads of the libraries at PATH, then forks once."""

import ctypes
import json
import os
import sys

import libraries

for argument in sys.argv[1:]:
    path, _, threads = argument.rpartition(":")
    library = ctypes.CDLL(path)
    assert library.foreign_start(int(threads)) == 0
    library.foreign_ask()
libraries.settle()
seen = libraries.threads()
child = os.fork()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
print(json.dumps({"threads": seen}))
