# SPDX-License-Identifier: Apache-2.0
"""The CPythons of this machine."""

import glob
import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

import pytest

VERSIONS = ["3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.13t", "3.14t"]
ASK = """
import sys, sysconfig
print(sys.executable)
print('%d.%d' % sys.version_info[:2] + ('t' if sysconfig.get_config_var('Py_GIL_DISABLED') else ''))
print('shared' if 'libpython3' in open('/proc/self/maps').read() else 'static')
"""


@lru_cache(None)
def ask_interpreter(path):
    """What an interpreter says of itself: executable, version, kind; None where it does not run.

    A shim of pyenv for a version that is not chosen is one that does not.
    """
    try:
        result = subprocess.run(
            [path, "-c", ASK],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = result.stdout.decode().splitlines()
    return lines if result.returncode == 0 and len(lines) == 3 else None


def debian_static():
    said = ask_interpreter("/usr/bin/python3") if Path("/etc/debian_version").exists() else None
    return os.path.realpath(said[0]) if said and said[2] == "static" else None


def find(version):
    """{kind: path} of the interpreters of a version, Debian's static one apart."""
    found = {}
    candidates = glob.glob(os.path.expanduser(f"~/.pyenv/versions/*/bin/python{version}"))
    candidates += [f"/usr/bin/python{version}", shutil.which(f"python{version}")]
    for candidate in filter(None, candidates):
        said = ask_interpreter(candidate)
        if said and said[1] == version and os.path.realpath(said[0]) != debian_static():
            found.setdefault(said[2], os.path.realpath(said[0]))
    return found


def parameters():
    """pytest parameters: each CPython found, and each version that was not."""
    made = []
    for version in VERSIONS:
        for kind, path in (find(version) or {"": None}).items():
            name = f"{version}-{kind}" if kind else version
            made.append(pytest.param((version, path), id=name))
    return made + [pytest.param(("of Debian, static", debian_static()), id="debian-static")]
