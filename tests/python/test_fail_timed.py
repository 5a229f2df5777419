# SPDX-License-Identifier: Apache-2.0
"""fail: a library that looks for its lost answer again and again is told of, and goes on."""

import signal
import subprocess

import pytest

from python_jobs import JOBS, run_job


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("timed") / "libtimed.so"
    command = ["gcc", "-shared", "-fPIC", "-pthread", "-o", path, JOBS / "timed.c"]
    subprocess.run(command, check=True, timeout=60)
    return path


def timed(library, wait, folder, ended=signal.SIGKILL, options="hang_seconds=1"):
    outcome = run_job(
        "timed.py",
        library,
        wait,
        4,
        policy="fail",
        log=folder / "log",
        env={"FORKPOLICY_OPTIONS": options},
    )
    assert (outcome.status, outcome.stdout) == (0, f"{ended:d}\n"), outcome
    return outcome


WAITS = ["futex", "semaphore", "condition", "condition_clock"]
LOCKS = ["mutex", "mutex_clock", "read_lock", "read_lock_clock", "write_lock", "write_lock_clock"]


@pytest.mark.parametrize("wait", WAITS + LOCKS)
def test_waits_with_a_limit_in_a_row(wait, library, tmp_path):
    outcome = timed(library, wait, tmp_path)
    (hang,) = outcome.of("hang")
    assert (hang["verdict"], hang["reason"], hang["outcome"]) == ("suspected", "timed", "waits")
    assert hang["lost"]["dso"] == str(library) and hang["waiting"]["seconds"] >= 1
    (line,) = [line for line in outcome.said if " may never go on: " in line]
    assert "it seems to wait for threads lost in the fork" in line


LATER = "hang_seconds=3600,grace_seconds=1"


@pytest.mark.parametrize("wait", ["futex", "semaphore", "condition", "mutex"])
def test_lost_librarys_waits_are_told_before_a_server_ends_the_worker(wait, library, tmp_path):
    (hang,) = timed(library, wait, tmp_path, options=LATER).of("hang")
    assert (hang["verdict"], hang["reason"], hang["outcome"]) == ("suspected", "timed", "waits")
    assert 1 <= hang["waiting"]["seconds"] < 60


def test_other_code_may_ask_again_and_again_for_longer(library, tmp_path):
    outcome = timed(library, "queue", tmp_path, options=LATER)
    assert not outcome.of("hang") and "may never go on" not in outcome.stderr, outcome


def test_a_thread_that_the_library_starts_anew_may_rest(library, tmp_path):
    outcome = timed(library, "worker", tmp_path)
    assert not outcome.of("hang") and "may never go on" not in outcome.stderr, outcome


def test_whoever_queues_for_the_gil_gets_it(library, tmp_path):
    """It does so by waits with a limit, within which the shim must not ask for it again."""
    outcome = timed(library, "gil", tmp_path, ended=3 << 8)
    assert not outcome.of("hang"), outcome
