# SPDX-License-Identifier: Apache-2.0
"""A parent that forks keeps nothing of what the functions had that forked, with the collector off."""

import gc
import os
import threading
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor

warnings.simplefilter("ignore")


class Large:
    pass


def fork(large):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


executor = ThreadPoolExecutor(1)
executor.submit(int).result()
ended = threading.Event()
threading.Thread(target=ended.wait).start()
gc.disable()
large = Large()
reference = weakref.ref(large)
fork(large)
del large
print("kept" if reference() else "gone")
ended.set()
