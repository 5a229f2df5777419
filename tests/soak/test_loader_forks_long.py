"""A thousand forks while batches are taken ahead at full speed.

SPDX-License-Identifier: Apache-2.0
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "loader"))
from loader_forks import MODES, SHIMS, check  # noqa: E402


@pytest.mark.parametrize("shim", SHIMS, ids=str)
@pytest.mark.parametrize("mode", MODES, ids=str)
def test_forks(mode, shim):
    check(shim, mode, 1000, 0.8)
