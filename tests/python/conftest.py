# SPDX-License-Identifier: Apache-2.0
"""What the tests of this folder share, and the table of owners at the end of a run."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import interpreters  # noqa: E402: found by the path just set

owner_rows = pytest.StashKey[list]()


@pytest.fixture(scope="session")
def owner_table(request):
    """Collects what test_owners saw; printed by pytest_terminal_summary."""
    return request.config.stash.setdefault(owner_rows, [])


@pytest.fixture(params=interpreters.parameters(), scope="module")
def interpreter(request):
    """The path of an interpreter: one test for each on this machine."""
    version, path = request.param
    if not path:
        pytest.skip(f"no CPython {version} on this machine")
    return path


@pytest.fixture(scope="session")
def foreign_library(tmp_path_factory):
    """jobs/foreign.c, built: a library that needs threads of its own."""
    library = tmp_path_factory.mktemp("foreign") / "libforeign.so"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-pthread", "-o", library, HERE / "jobs" / "foreign.c"],
        check=True,
        timeout=60,
    )
    return library


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash.get(owner_rows, [])
    if not rows:
        return
    terminalreporter.section("owners of threads")
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths))
        terminalreporter.write_line(line.rstrip())
