# SPDX-License-Identifier: Apache-2.0
"""forkpolicy.allow: forks of this thread that may lose what they lose."""

import os

import pytest

from python_jobs import PACKAGE, run_job

RUNTIME = "runtime ours\n python */allowing.py\n class lost\n"
FORKS = """\
outside refused
within forked
nested forked
thread refused
behind refused
decorated forked refused
place forked
elsewhere refused
raised refused
first ended refused
"""
ERRORS = """\
no runtime TypeError
no string TypeError
coroutine TypeError
pattern ValueError
comma ValueError
nul ValueError
reason ValueError
much ValueError
other thread RuntimeError
"""


@pytest.fixture
def job(tmp_path):
    def run(**settings):
        path = tmp_path / "a.policy"
        path.write_text(RUNTIME)
        path.chmod(0o600)
        env = {"FORKPOLICY_FILE": str(path), "PYTHONPATH": str(PACKAGE)}
        return run_job("allowing.py", env=env, isolated=True, **settings)

    return run


def test_under_refuse(job, tmp_path):
    outcome = job(policy="refuse", log=tmp_path / "log")
    assert outcome.status == 0 and outcome.stdout == FORKS + ERRORS, outcome
    reasons = [each["runtimes"][0].get("allowed") for each in outcome.of("fork")]
    assert reasons == ["a block", "a block", "a decorated function", "the program allows it"]


def test_without_the_shim(job):
    outcome = job(preload=False)
    lines = outcome.stdout.splitlines()
    assert outcome.status == 0 and outcome.stderr == "", outcome
    assert all(line.endswith("forked") for line in lines[: len(FORKS.splitlines())]), outcome
    said = dict(line.rsplit(" ", 1) for line in lines[len(FORKS.splitlines()) :])
    assert [said[name] for name in ("no runtime", "no string", "coroutine")] == ["TypeError"] * 3
    assert set(list(said.values())[3:]) == {"none"}, "there is nobody to ask"


def test_silent_under_warn(job):
    outcome = job(policy="warn,off:ours@allowing.py:elsewhere")
    assert outcome.stdout.count("refused") == 0, outcome
    assert outcome.stderr.count("the child loses") == 1, "one fork site, told once"
