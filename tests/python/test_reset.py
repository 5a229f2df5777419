# SPDX-License-Identifier: Apache-2.0
"""Under `reset` what hangs bare works in the child, and the parent works on; under `carry` as well."""

import pytest

from python_jobs import run_job

# The case of jobs/hanging.py, its environment, and what the log says was reset.
CASES = [
    ("executor", "wheels", "ThreadPoolExecutor"),
    ("asyncio_thread", "wheels", "asyncio"),
    ("torch_cpu", "wheels", "libgomp"),
    ("sklearn", "hangs", "libgomp"),
]


@pytest.mark.parametrize("policy", ["reset", "carry"])
@pytest.mark.parametrize("case, environment, name", CASES)
def test_works_in_the_child(case, environment, name, policy, tmp_path):
    outcome = run_job(
        "hanging.py",
        case,
        environment=environment,
        policy=policy,
        log=tmp_path / "log",
        tmp=tmp_path,
        env={"HANGING_LIMIT": "60"},
    )
    lines = outcome.stdout.splitlines()
    assert outcome.status == 0 and "returned" in lines and "status 0" in lines, outcome
    assert not outcome.said and not outcome.of("hang"), outcome
    resets = outcome.of("reset")
    assert any(name in (each["name"], each["function"]) for each in resets), resets
    assert all(each["error"] is None and each["microseconds"] < 60e6 for each in resets)


def test_what_has_no_reset_acts_as_fail(tmp_path):
    outcome = run_job(
        "hanging.py",
        "polars_group_by",
        policy="reset",
        log=tmp_path / "log",
        tmp=tmp_path,
        env={"HANGING_LIMIT": "60"},
    )
    assert "status 70" in outcome.stdout.splitlines(), outcome
    assert any('treated as "fail"' in line for line in outcome.said), outcome
    (hang,) = outcome.of("hang")
    assert hang["verdict"] == "proven" and hang["lost"]["name"] == "polars"
