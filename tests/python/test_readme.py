# SPDX-License-Identifier: Apache-2.0
"""README.md: its job ends as it says, with the words that it shows."""

import os
import signal
import subprocess
import time

import pytest

import pages
import support
from python_jobs import POOLS

PAGE = (support.ROOT / "README.md").read_text()
PYTHON = support.environment_python("wheels")
SUMS = "45\n[4950, 499500]\n"
LIMIT = 60  # seconds


@pytest.fixture
def job(tmp_path):
    (tmp_path / "train.py").write_text(pages.job(PAGE, "train.py"))
    return tmp_path


def run(folder, command):
    """(status, stdout, stderr) of a command of the page, typed by who has installed the program."""
    program, *arguments = command.split()
    assert program == "forkpolicy"
    arguments = [PYTHON if each == "python" else each for each in arguments]
    done = support.run(
        [support.PROGRAM, *arguments],
        preload=False,
        cwd=folder,
        env=dict(POOLS, TMPDIR="/tmp"),
        timeout=LIMIT,
    )
    return done.status, done.stdout, done.stderr


def test_one_run(job):
    command = "forkpolicy run --ci -- python train.py"
    status, stdout, stderr = run(job, command)
    assert status == 70 and stdout == "45\n", stderr
    pages.check_shown(pages.shown(PAGE, command), stdout + stderr, job)


def test_what_helps_helps(job):
    command = "forkpolicy run --policy spawn -- python train.py"
    assert run(job, command) == (0, SUMS, "")
    if support.CARRIES:
        assert run(job, "forkpolicy run --policy carry -- python train.py") == (0, SUMS, "")
    text = (job / "train.py").read_text()
    change = '    multiprocessing.set_start_method("forkserver")\n'
    assert change.strip() in PAGE
    (job / "train.py").write_text(text.replace("    print(total(10))", change + "    print(total(10))"))
    assert run(job, "forkpolicy run -- python train.py") == (0, SUMS, "")


def test_fail(job):
    command = "forkpolicy run --policy fail -- python train.py"
    status, stdout, stderr = run(job, command)
    assert status == 1, stderr
    pages.check_shown(pages.shown(PAGE, command), stdout + stderr, job)


def explained(pid, env):
    """What explain says of the job once it is sure of a hang."""
    path = f"{PYTHON.parent}:{os.environ['PATH']}"
    until = time.monotonic() + LIMIT
    while time.monotonic() < until:
        said = subprocess.run(
            [support.PROGRAM, "explain", str(pid)],
            stdout=subprocess.PIPE,
            text=True,
            timeout=LIMIT,
            env=dict(env, PATH=path),
        )
        if said.returncode == 3 and "can never go on" in said.stdout:
            break
    return said.stdout


def test_explain(job):
    """The job hangs by itself, and the program says why: its Python is told by py-spy, found by PATH."""
    env = support.environment(preload=False, extra=POOLS)
    hanging = subprocess.Popen(
        [PYTHON, "train.py"],
        cwd=job,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert hanging.stdout.readline() == "45\n"
        said = explained(hanging.pid, env)
        pages.check_shown(pages.shown(PAGE, "forkpolicy explain 4121"), said, job)
    finally:
        os.killpg(hanging.pid, signal.SIGKILL)
        hanging.communicate(timeout=LIMIT)
