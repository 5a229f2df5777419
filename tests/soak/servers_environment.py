# SPDX-License-Identifier: Apache-2.0
"""The environment of the servers and jobs that servers.txt names: made once, uwsgi compiled."""

import re
import subprocess
from pathlib import Path

import support

WANTED = Path(__file__).resolve().parent / "servers.txt"
ENVIRONMENT = support.BUILD / "servers-of-soak"


def packages():
    lines = (line.partition("#")[0].strip() for line in WANTED.read_text().splitlines())
    return [line for line in lines if line]


def programs():
    """The folder of its programs. What the index does not have is left out, and so are its rows."""
    wanted, made = WANTED.read_text(), ENVIRONMENT / "made-of"
    if not made.exists() or made.read_text() != wanted:
        python = support.environment_python("wheels")
        subprocess.run([python, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        # Twice, for errors alone: where pip is told of more indexes, it warns of each that does not have a package.
        pip = [ENVIRONMENT / "bin" / "python", "-m", "pip", "install", "--quiet", "--quiet"]
        if subprocess.run([*pip, "-r", WANTED]).returncode:
            for package in packages():
                subprocess.run([*pip, package])
        made.write_text(wanted)
    return ENVIRONMENT / "bin"


def missing(python):
    """Names of what is not installed as servers.txt has it."""
    listed = subprocess.check_output([python, "-m", "pip", "freeze", "--disable-pip-version-check"], text=True)
    have = {normal(line) for line in listed.splitlines()}
    return {normal(each).partition("==")[0] for each in packages() if normal(each) not in have}


def normal(requirement):
    name, equals, version = re.sub(r"\[.*?\]", "", requirement).partition("==")
    return re.sub("[-_.]+", "-", name).lower() + equals + version
