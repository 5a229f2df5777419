# SPDX-License-Identifier: Apache-2.0
"""What is known to be wrong, a line for each program: whoever mends it takes the line out.

(what, policies, why, rate): a row is PROGRAM-SCENARIO-POLICY, any other test its name and its
parameters; `*` stands for anything. Without a rate it is wrong every time, and a test that passes is
a failure; with one it is wrong in that part of the tests.
"""

from fnmatch import fnmatchcase

EPOLL = "the child gets an instance of its own, armed anew"

RED = [
    ("shared_epoll-parent_adds_later", "reset", EPOLL, ""),
    ("shared_epoll-one_shot_is_disarmed", "reset", EPOLL, ""),
]


def find(key):
    """(reason, whether it is wrong every time) of a test that is known to be red, or None."""
    for what, policies, why, rate in RED:
        patterns = [f"{what}-{policy}" for policy in policies.split()] or [what]
        if any(fnmatchcase(key, pattern) for pattern in patterns):
            return (f"{why}, {rate}" if rate else why), not rate
    return None
