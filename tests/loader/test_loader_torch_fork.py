"""Loader: DataLoader forks while it prefetches, with and without the shim.

SPDX-License-Identifier: Apache-2.0
"""

import sys
from pathlib import Path

import pytest
from loaders import JOBS, PYTHON

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from support import run  # noqa: E402

pytestmark = pytest.mark.timeout(300)
WITHOUT = "without"


def read_beside(policy):
    """Each row once, in the children and beside them; the shim has nothing to say."""
    ended = run(
        [sys.executable, JOBS / "beside_fork.py"],
        policy=None if policy == WITHOUT else policy,
        preload=policy != WITHOUT,
        env={"PYTHONPATH": PYTHON, "OMP_NUM_THREADS": "1"},
        timeout=100,
        isolated=True,
    )
    assert ended.status == 0, ended
    assert ended.stderr == ""
    assert int(ended.stdout.split()[-1]) >= 2


@pytest.mark.parametrize("policy", [WITHOUT, None, "refuse"])
def test_forks_while_it_prefetches(policy):
    read_beside(policy)
