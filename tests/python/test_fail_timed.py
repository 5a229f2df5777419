# SPDX-License-Identifier: Apache-2.0
"""fail: a library that looks for its lost answer again and again is told of, and goes on."""

import subprocess

import pytest

from python_jobs import JOBS, run_job

UNCOUNTED = [pytest.mark.xfail(strict=True, reason="such waits are not counted")]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("timed") / "libtimed.so"
    command = ["gcc", "-shared", "-fPIC", "-pthread", "-o", path, JOBS / "timed.c"]
    subprocess.run(command, check=True, timeout=60)
    return path


@pytest.mark.parametrize(
    "wait",
    [
        "futex",
        "semaphore",
        pytest.param("condition", marks=UNCOUNTED),
        pytest.param("condition_clock", marks=UNCOUNTED),
    ],
)
def test_waits_with_a_limit_in_a_row(wait, library, tmp_path):
    outcome = run_job(
        "timed.py",
        library,
        wait,
        3,
        policy="fail",
        log=tmp_path / "log",
        env={"FORKPOLICY_OPTIONS": "hang_seconds=1"},
    )
    assert (outcome.status, outcome.stdout) == (0, "9\n"), outcome
    (hang,) = outcome.of("hang")
    assert (hang["verdict"], hang["reason"], hang["outcome"]) == ("suspected", "timed", "waits")
    assert hang["lost"]["dso"] == str(library) and 1 <= hang["waiting"]["seconds"] < 2
    (line,) = [line for line in outcome.said if " may never go on: " in line]
    assert "it waits, it seems, for what was lost" in line
