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


@pytest.mark.parametrize("way", ["memory", "ring", "main_left", "files", "hidden", "sent"])
def test_what_no_thread_shows_may_wake_it(way):
    kinds.check_woken_unseen(way)


def test_there_are_twenty_of_each():
    assert len(kinds.HANGS) >= 20 and len(kinds.WORKS) >= 20
