# SPDX-License-Identifier: Apache-2.0
"""The environment of the servers that servers.txt names: made once, uwsgi compiled."""

import subprocess
from pathlib import Path

import support

WANTED = Path(__file__).resolve().parent / "servers.txt"
ENVIRONMENT = support.BUILD / "servers-of-soak"


def programs():
    """The folder of its programs."""
    wanted, made = WANTED.read_text(), ENVIRONMENT / "made-of"
    if not made.exists() or made.read_text() != wanted:
        python = support.environment_python("wheels")
        subprocess.run([python, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        pip = [ENVIRONMENT / "bin" / "python", "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "-r", WANTED], check=True)
        made.write_text(wanted)
    return ENVIRONMENT / "bin"
