# SPDX-License-Identifier: Apache-2.0
"""reset: children of lancedb, which starts anew in them, find none of their lost threads' records.

A third of them crash or hang without the shim, and under one that does nothing. tests/soak has the
rates.
"""

import pytest

from python_jobs import answer, run_job

CHILDREN, ROUNDS = 40, 15
MOST = 200  # until one does not end well
# A few of ten thousand hang: what lancedb was about when it was forked goes on nowhere.
HANGS = 1


def children(case, count, *arguments, tmp_path, **settings):
    outcome = run_job(
        "stacks.py",
        case,
        count,
        *arguments,
        environment="lancedb",
        tmp=tmp_path,
        timeout=600,
        **settings,
    )
    return answer(outcome), outcome


@pytest.mark.parametrize("case", ["forks", "loader"])
@pytest.mark.parametrize("policy", [None, "off"])
def test_children_crash_or_hang_without_reset(policy, case, tmp_path):
    settings = {"policy": policy} if policy else {"preload": False}
    counts, outcome = children(case, MOST, "first", tmp_path=tmp_path, **settings)
    assert counts["crashed"] + counts["hung"] == 1 and not counts["failed"], outcome


def check(case, count, policy, tmp_path):
    counts, outcome = children(case, count, tmp_path=tmp_path, policy=policy)
    assert counts["crashed"] == counts["failed"] == 0, outcome
    assert counts["hung"] <= HANGS and counts["ok"] + counts["hung"] == count, outcome


@pytest.mark.parametrize("policy", ["reset", "reset:lancedb"])
def test_children_work_under_reset(policy, tmp_path):
    check("forks", CHILDREN, policy, tmp_path)


def test_workers_of_a_data_loader_work_under_reset(tmp_path):
    check("loader", ROUNDS, "reset", tmp_path)


def test_children_whose_threads_end_work_under_reset(tmp_path):
    check("ends", CHILDREN, "reset", tmp_path)
