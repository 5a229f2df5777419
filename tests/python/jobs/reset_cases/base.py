# SPDX-License-Identifier: Apache-2.0
"""What the cases share, and the driver of the resets."""

import subprocess
import sys
import time


class Case:
    """What a case does: `child()` after the fork, `parent()` after the child's end, both raise
    where something is not as it should be; `last()` just before the fork; `fork_in(function)`
    calls the function that forks, in another thread, for example."""

    def __init__(self, child, parent=None, last=None, fork_in=None):
        self.child = child
        self.parent = parent or child
        self.last = last or (lambda: None)
        self.fork_in = fork_in or (lambda function: function())


def same(seen, expected):
    assert seen == expected, f"{seen!r} instead of {expected!r}"


def raises(kind, words, function, *arguments):
    try:
        answer = function(*arguments)
    except kind as error:
        assert words in str(error), str(error)
        return
    raise AssertionError(f"no {kind.__name__}, but {answer!r}")


def until(condition):
    """Waits for a condition; nothing tells when a thread has come to where it rests."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


BELONGS = "belongs to the parent process"


def serve(*command):
    """A server in a process of its own, which ends with this one; the port that it says."""
    server = subprocess.Popen(
        [sys.executable, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    at_end.append(server.kill)
    return int(server.stdout.readline())


at_end = []  # what the parent does before it ends
reports = []  # of the child
resets = None  # the driver, where there is one


def prepare():
    """What the shim does before a fork; nothing in a bare run."""
    if resets:
        resets.prepare("*", lambda *said: reports.append(said))
