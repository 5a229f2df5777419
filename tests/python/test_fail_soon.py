# SPDX-License-Identifier: Apache-2.0
"""fail: how soon the error comes after the wait, alone and beside threads that wait, too.

The soonest of the children counts: a machine that does much else delays some, and make bench has
the distribution.
"""

import pytest

from python_jobs import answer, run_job

CHILDREN = 15
LIMITS = {0: 0.1, 1: 2, 7: 2, 31: 2}  # other threads: seconds


@pytest.mark.parametrize("others", LIMITS)
@pytest.mark.parametrize("wait, outcome", [("lock", "raised"), ("library", "exited")])
def test_error_comes_soon(wait, outcome, others, foreign_library, tmp_path):
    ended = run_job(
        "soon.py", wait, others, CHILDREN, foreign_library, policy="fail", log=tmp_path / "log"
    )
    seconds = answer(ended)
    assert len(seconds) == CHILDREN
    assert min(seconds) <= LIMITS[others], sorted(seconds)
    hangs = ended.of("hang")
    assert [hang["outcome"] for hang in hangs] == [outcome] * CHILDREN, hangs
    assert {hang["verdict"] for hang in hangs} == {"proven"}
