# SPDX-License-Identifier: Apache-2.0
"""Servers leave their session, and services have nobody who ends them: all that is started here ends with this process.

The kernel sees to it, for SIGKILL too: the work is done in a PID namespace, whose first process ends with this one.
"""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import support

INSIDE = "SERVERS_INSIDE"
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def prctl(option, argument):
    ctypes.CDLL(None).prctl(option, argument, 0, 0, 0)


def children():
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def end_children():
    """And those that they leave behind, which come to this process."""
    while left := children():
        for pid in left:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def end(number, frame):
    sys.exit(128 + number)


def alone(work):
    """Ends with the status of `work` of the arguments."""
    if os.environ.pop(INSIDE, None):
        sys.exit(work(sys.argv[1:]))
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    with tempfile.TemporaryDirectory(prefix="servers-") as folder:
        os.chmod(folder, 0o711)  # postgres is another user
        # The shell is the namespace's first process, and waits for those whom nobody else waits for.
        first = [*support.isolation(), "sh", "-c", '"$@"; exit $?', "sh"]
        try:
            process = subprocess.Popen(
                [*first, sys.executable, "-B", *sys.argv],
                env={**os.environ, INSIDE: "1", "TMPDIR": folder},
                preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
                start_new_session=True,
            )
            status = process.wait()
        finally:
            end_children()
    sys.exit(status)
