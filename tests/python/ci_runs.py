# SPDX-License-Identifier: Apache-2.0
"""Jobs under run --ci, and what it says of those that it ends."""

import json
import os
import re
import subprocess
from pathlib import Path

import support
from python_jobs import POOLS

PROGRAM = support.BUILD / "forkpolicy"
LIMIT = 120  # seconds


def run_ci(command, tmp_path, *settings, timeout=LIMIT, env=None, **popen):
    """(status, stdout, stderr, records) of a job of its own mark."""
    log = tmp_path / "log"
    variables = dict(os.environ, **POOLS, TMPDIR=str(tmp_path), **(env or {}))
    for name in ("FORKPOLICY", "FORKPOLICY_LOG", "LD_PRELOAD"):
        variables.pop(name, None)
    job = subprocess.Popen(
        [PROGRAM, "run", "--ci", "--log", log, *settings, "--", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=variables,
        text=True,
        **popen,
    )
    try:
        stdout, stderr = job.communicate(timeout=timeout)
    finally:
        job.kill()
    records = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return job.returncode, stdout, stderr, records


def check_brief(stderr):
    """The lines that --ci has added: what happened, where, why, what to change, and where the rest is.

    Fifteen at most, nothing twice, no contradiction, and each path that it names is there.
    """
    lines = [line for line in stderr.splitlines() if line.startswith("forkpolicy:")]
    assert 3 <= len(lines) <= 15 and len(set(lines)) == len(lines), stderr
    assert len(lines[0]) < 100, lines[0]
    assert not re.search("goes on|may never|missing|native|\\+0x", "\n".join(lines)), stderr
    counts = set(re.findall(r"(\d+) of (\d+) threads", "\n".join(lines)))
    assert len(counts) <= 1 and all(int(n) < int(m) for n, m in counts), stderr
    label, path = lines[-1].removeprefix("forkpolicy:").split()
    assert label == "more" and Path(path).is_file(), stderr
    return lines


def left_over(mark):
    """Processes that have this in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            pass
    return found
