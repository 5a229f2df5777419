# SPDX-License-Identifier: Apache-2.0
"""A child that gives a task to a lost thread of a Python package is told; one that only ends it is not."""

import pytest

from python_jobs import run_job

POLICY = """
wakes */ticker/__init__.py ask
runtime ticker
    python */ticker/*
    class unknown
    remedy make a ticker in the child
"""


def ticking(way, folder, policy="warn"):
    file = folder / "own.policy"
    file.write_text(POLICY)
    variables = {"FORKPOLICY_FILE": str(file)}
    outcome = run_job("ticking.py", way, tmp=folder, env=variables, policy=policy, log=folder / "log", timeout=60)
    assert outcome.status == 0 and outcome.stdout == "done\n", outcome
    return outcome


def test_task_that_nobody_does_is_told_once(tmp_path):
    """Once for all children, each with a record of its own."""
    outcome = ticking("ask", tmp_path)
    first, fork, remedy = outcome.said
    assert "uses ticker, whose 1 Python thread was lost in the fork (ask)" in first
    assert "ticking.py:" in fork and remedy == "forkpolicy:   do      make a ticker in the child"
    assert [(use["call"], use["runtime"]["name"]) for use in outcome.of("use")] == [("ask", "ticker")] * 2


@pytest.mark.parametrize("way", ["stop", "start_anew", "lock"])
def test_nothing_is_missed(way, tmp_path):
    outcome = ticking(way, tmp_path)
    assert not outcome.said and not outcome.of("use"), outcome


def test_off_is_silent(tmp_path):
    outcome = ticking("ask", tmp_path, policy="off:ticker")
    assert not outcome.said and not outcome.of("use"), outcome
