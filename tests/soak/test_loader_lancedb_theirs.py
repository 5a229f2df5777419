"""The job that our loader ends, by LanceDB's own reader. SPDX-License-Identifier: Apache-2.0"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "loader"))
from test_loader_lancedb import ENVIRONMENTS, run  # noqa: E402


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_theirs_does_not_end(name):
    """Should it end well in a later release, docs/loader.md has to say so."""
    assert run(name, "disk", "lancedb") != {"lancedb": "well"}
