# SPDX-License-Identifier: Apache-2.0
"""A host that loads a library, under settings that may be wrong."""

import os
import re
import sys

import support

PYTHON = os.path.realpath(sys.executable)  # not a version manager's script, which forks, too
DEMO = support.BUILD / "prog" / "libdemo.so"


def run(command, env, **options):
    """No isolation here: the settings hold bytes that only an environment can carry."""
    return support.run(command, env=env, **options)


def is_line(pattern, stderr):
    return re.fullmatch(r"forkpolicy: " + pattern + r"\n", stderr)


LOADED = [support.host("load"), DEMO]


# Shells run the last program of -c in their own place: one pid, two programs.
JOBS = {
    "a shell": ["sh", "-c", '"$@"; "$@"; true', "sh"],
    "a shell that becomes its program": ["sh", "-c", '"$@"; "$@"', "sh"],
    "bash": ["bash", "-c", '"$@"; exec "$@"', "bash"],
    "a shell in a shell": ["sh", "-c", 'sh -c "\\$@; \\$@; true" sh "$@"; "$@"; true', "sh"],
    "fork and exec": [support.host("spawn_all"), "fork"],
    "vfork": [support.host("spawn_all"), "vfork"],
    "posix_spawn": [support.host("spawn_all"), "posix_spawn"],
    "system": [support.host("spawn_all"), "system"],
}
