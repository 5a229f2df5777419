# SPDX-License-Identifier: Apache-2.0
"""`forkpolicy` and `python -m forkpolicy`: the C program, in the place of this process."""

import os
import signal
import sys


def program():
    """The path of the C program: in the package, or where make built it in the source tree."""
    package = os.path.dirname(os.path.abspath(__file__))
    installed = os.path.join(package, "bin", "forkpolicy")
    built = os.path.join(package, os.pardir, os.pardir, "build", "forkpolicy")
    for path in (installed, os.path.normpath(built)):
        if os.access(path, os.X_OK):
            return path
    raise SystemExit(f"forkpolicy: {installed} is missing: install the wheel, or run make")


def environment():
    """The variables as this process got them: Python sets LC_CTYPE where the locale is C."""
    variables = dict(os.environb)
    variables.pop(b"LC_CTYPE", None)
    with open("/proc/self/environ", "rb") as file:
        for entry in file.read().split(b"\0"):
            if entry.startswith(b"LC_CTYPE="):
                variables[b"LC_CTYPE"] = entry[len(b"LC_CTYPE=") :]
    return variables


def main():
    # Python ignores these, and a job would inherit that.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    path = program()
    try:
        os.execve(path, ["forkpolicy"] + sys.argv[1:], environment())
    except OSError as error:
        raise SystemExit(f"forkpolicy: {path}: {error.strerror}")


if __name__ == "__main__":
    main()
