# SPDX-License-Identifier: Apache-2.0
"""run --ci --timeout: jobs that take too long, fork or not."""

import os
import re
import subprocess

import pytest

import support
from ci_runs import LIMIT, PROGRAM, check_brief, left_over, run_ci

LOCKED = """
import threading
a, b, both = threading.Lock(), threading.Lock(), threading.Barrier(2)
def take(one, other):
    with one:
        both.wait()
        other.acquire()
threading.Thread(target=take, args=(a, b), daemon=True).start()
take(b, a)
"""
QUEUE = """
import multiprocessing
context = multiprocessing.get_context("fork")
queue = context.Queue()
child = context.Process(target=queue.put, args=("x" * 10_000_000,))
child.start(); child.join(); queue.get()
"""
SIGNALLED = """
import signal, threading
lock = threading.Lock()
signal.signal(signal.SIGUSR1, lambda *_: lock.release())
lock.acquire(); lock.acquire()
"""
LATE = {
    "locks": (LOCKED, r"a deadlock: all 2 threads of pid \d+ wait for locks", "same order"),
    "queue": (QUEUE, r"pid \d+ and pid \d+ wait for each other", "read from the pipe"),
    "lock": ("import threading; l = threading.Lock(); l.acquire(); l.acquire()", "only thread", ""),
    "signal": (SIGNALLED, "it had not finished", "waits for a Python lock"),
    "sleep": ("import time; time.sleep(100)", "it had not finished", "waits in "),
    "busy": ("while True: pass", "it had not finished", "runs"),
}


@pytest.mark.parametrize("name", LATE)
def test_what_takes_too_long_is_ended_and_said(name, tmp_path):
    script, headline, words = LATE[name]
    mark = f"mark-{os.getpid()}-{name}"
    command = [support.environment_python("wheels"), "-c", script]
    status, _, stderr, _ = run_ci(command, tmp_path, "--timeout", "2", env={"MARK": mark})
    assert status == 70 and left_over(mark) == [], stderr
    lines = check_brief(stderr)
    assert re.match(f"forkpolicy: job ended after 2 s: .*{headline}", lines[0]), stderr
    assert words in stderr


def test_a_job_that_is_in_time_is_not_told_of(tmp_path):
    status, stdout, stderr, _ = run_ci(["echo", "fine"], tmp_path, "--timeout", "60.5")
    assert (status, stdout, stderr) == (0, "fine\n", "")


@pytest.mark.parametrize("given", ["", "0", "-1", "1m", "nan", "inf", "1e99"])
def test_a_time_limit_is_a_number_of_seconds(given, tmp_path):
    status, _, stderr, _ = run_ci(["true"], tmp_path, "--timeout", given)
    assert status == 2 and f'--timeout "{given}": want seconds' in stderr


@pytest.mark.parametrize("option", [["--timeout", "3"], ["--ci-report", "3"], ["--keep-status"]])
def test_options_of_ci_need_it(option):
    done = subprocess.run(
        [PROGRAM, "run", *option, "--", "true"], capture_output=True, text=True, timeout=LIMIT
    )
    assert done.returncode == 2 and f"{option[0]} needs --ci" in done.stderr
