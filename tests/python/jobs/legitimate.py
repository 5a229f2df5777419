# SPDX-License-Identifier: Apache-2.0
"""legitimate.py NAME: programs whose children wait for long, and do well.

Each child has lost a thread of its parent's, and waits for a second and a half or more where
nothing seems to happen. Each wait ends, by whatever the program, a function of
legitimate_programs/, is made for.
"""

import sys

from legitimate_programs import base, processes, signals, threads


def find(name):
    """The function of a program."""
    modules = (processes, signals, threads)
    return next(getattr(module, name) for module in modules if hasattr(module, name))


if __name__ == "__main__":
    base.park()
    find(sys.argv[1])()
