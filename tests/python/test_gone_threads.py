# SPDX-License-Identifier: Apache-2.0
"""Forks of a process in which Python has states of threads that are gone, as their stacks are."""

import pytest

from python_jobs import run_job


@pytest.mark.parametrize("policy", ["warn", "fail", "reset", "refuse"])
@pytest.mark.parametrize("way", ["exited", "forked"])
def test_states_of_threads_that_are_gone_are_not_read(way, policy, tmp_path):
    outcome = run_job("gone.py", way, tmp=tmp_path, policy=policy, log=tmp_path / "log", timeout=60)
    assert outcome.status == 0 and outcome.stdout == "3\n" and not outcome.said, outcome
