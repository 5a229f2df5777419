# SPDX-License-Identifier: Apache-2.0
"""A test that hangs, as a project has one."""

TEST = """\
import os
from concurrent.futures import ThreadPoolExecutor


def test_sum():
    executor = ThreadPoolExecutor(1)
    executor.submit(int).result()
    child = os.fork()  # here
    if child == 0:
        executor.submit(int).result()
        os._exit(0)
    os.waitpid(child, 0)
"""

FORK_LINE = 1 + next(number for number, text in enumerate(TEST.splitlines()) if "# here" in text)
