"""DataLoader forks while a Loader prefetches, many times. SPDX-License-Identifier: Apache-2.0"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "loader"))
from test_loader_torch_fork import WITHOUT, read_beside  # noqa: E402

ROUNDS = 10


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("policy", [WITHOUT, None, "fail", "reset", "refuse"])
def test_forks_while_it_prefetches(policy):
    for _ in range(ROUNDS):
        read_beside(policy)
