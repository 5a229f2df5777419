# SPDX-License-Identifier: Apache-2.0
"""See kinds.py; what takes long to start is in tests/soak."""

import pytest

import kinds


@pytest.mark.parametrize("case", [each for each in kinds.HANGS if each not in kinds.SLOW])
def test_a_hang_is_told_with_its_line(case, tmp_path):
    kinds.check_hang(case, tmp_path)


@pytest.mark.parametrize("case", [each for each in kinds.WORKS if each not in kinds.SLOW])
def test_what_works_is_no_hang(case, tmp_path):
    kinds.check_works(case, tmp_path)


def test_there_are_forty():
    assert len(kinds.HANGS) == len(kinds.WORKS) == 20
