# SPDX-License-Identifier: Apache-2.0
"""All of tests/python/kinds.py, again and again. `make soak`; four minutes."""

import sys

import pytest

from support import ROOT

sys.path.insert(0, str(ROOT / "tests" / "python"))

import kinds  # noqa: E402: found by the path just set

ROUNDS = range(3)


@pytest.mark.parametrize("case", kinds.HANGS)
@pytest.mark.parametrize("again", ROUNDS)
def test_a_hang_is_told_with_its_line(case, again, tmp_path):
    kinds.check_hang(case, tmp_path)


@pytest.mark.parametrize("case", kinds.WORKS)
@pytest.mark.parametrize("again", ROUNDS)
def test_what_works_is_no_hang(case, again, tmp_path):
    kinds.check_works(case, tmp_path)
