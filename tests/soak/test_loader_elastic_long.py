"""Five hundred random runs under changing ranks and workers. SPDX-License-Identifier: Apache-2.0"""

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "loader"))
from elastic import check  # noqa: E402

GROUPS = 20
RUNS = 500


@pytest.mark.timeout(600)
@pytest.mark.parametrize("group", range(GROUPS))
def test_random_topologies(group):
    for seed in range(1000 + group, 1000 + RUNS, GROUPS):
        try:
            check(random.Random(seed))
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error}") from error
