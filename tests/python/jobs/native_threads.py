# SPDX-License-Identifier: Apache-2.0
"""native_threads.py LIBRARY [audited]: threads of a library that holds no GIL, then a fork.

Says, in JSON, which error the fork raised, and the events that an audit hook of the program heard.
"""

import ctypes
import json
import os
import sys

heard = []
if "audited" in sys.argv:
    sys.addaudithook(lambda event, _: heard.append(event) if "hook" in event else None)

foreign = ctypes.CDLL(sys.argv[1])
assert foreign.foreign_start(2) == 0
error = None
try:
    if os.fork() == 0:
        os._exit(0)
except (RuntimeError, OSError) as raised:
    error = type(raised).__name__
print(json.dumps({"error": error, "heard": heard}))
