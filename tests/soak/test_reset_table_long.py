# SPDX-License-Identifier: Apache-2.0
"""The table of tests/python, with children that exit as Python does. `make soak`; four minutes."""

import sys

import pytest

from support import ROOT

sys.path.insert(0, str(ROOT / "tests" / "python"))

import test_reset_table as table  # noqa: E402: found by the path just set

LONG = 60  # seconds


@pytest.mark.parametrize("case", table.TABLE)
def test_a_hundred_children_work(case, tmp_path):
    table.check("shim-exit", case, table.FORKS, tmp_path)


def test_the_parent_hangs_for_long_bare(tmp_path):
    """After a child has collected its copy of the parent's connections."""
    table.check_bare("fsspec_in_turn", LONG, tmp_path)
