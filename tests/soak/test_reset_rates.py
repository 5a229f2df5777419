"""How many children of lancedb fail bare, under off and under reset. `make soak`; ten minutes.

SPDX-License-Identifier: Apache-2.0
"""

import sys

import pytest

from support import ROOT

sys.path.insert(0, str(ROOT / "tests" / "python"))

from python_jobs import answer, run_job  # noqa: E402: found by the path just set

FEW, MANY = 30, 500
PER_CENT = 1  # that may hang: what lancedb was about when it was forked goes on nowhere


def rate(case, count, record_property, tmp_path, **settings):
    outcome = run_job(
        "stacks.py", case, count, environment="lancedb", tmp=tmp_path, timeout=1800, **settings
    )
    counts = answer(outcome)
    print(f"{case} {settings.get('policy', 'bare')}: {counts}")
    for key in counts:
        record_property(key, counts[key])
    assert not counts["failed"], outcome
    return counts


@pytest.mark.parametrize("case", ["forks", "loader"])
@pytest.mark.parametrize("policy", [None, "off", "warn"])
def test_some_fail_without_reset(policy, case, record_property, tmp_path):
    settings = {"policy": policy} if policy else {"preload": False}
    counts = rate(case, FEW, record_property, tmp_path, **settings)
    assert counts["crashed"] + counts["hung"] > 0


@pytest.mark.parametrize(
    "case, count, policy",
    [("forks", MANY, "reset"), ("forks", MANY, "reset:lancedb"), ("loader", 100, "reset")],
)
def test_none_crashes_under_reset(case, count, policy, record_property, tmp_path):
    counts = rate(case, count, record_property, tmp_path, policy=policy)
    assert counts["crashed"] == 0
    assert counts["hung"] <= count * PER_CENT / 100
