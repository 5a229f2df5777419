# SPDX-License-Identifier: Apache-2.0
"""What the tests of this folder share, and the tables at the end of a run."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import interpreters  # noqa: E402: found by the path just set


@pytest.fixture
def tell(record_property):
    """tell(title, head, key, row) notes a row, {column: text}, of a table that ends the run.

    Rows of the same key are one. A test's properties reach the terminal from any process.
    """
    return lambda *noted: record_property("row", noted)


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


def tables_of(reports):
    """{title: (head, {key: row})} of what the tests have noted."""
    tables = {}
    for report in reports:
        for name, noted in getattr(report, "user_properties", ()):
            if name == "row":
                title, head, key, row = noted
                _, rows = tables.setdefault(title, (head, {}))
                rows.setdefault(key, {}).update(row)
    return tables


def pytest_terminal_summary(terminalreporter):
    reports = [each for some in terminalreporter.stats.values() for each in some]
    for title, (head, rows) in sorted(tables_of(reports).items()):
        rows = [rows[key] for key in sorted(rows)]
        lines = [head, *([row.get(column, "-") for column in head] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*lines)]
        terminalreporter.section(title)
        for line in lines:
            cells = (cell.ljust(width) for cell, width in zip(line, widths))
            terminalreporter.write_line("  ".join(cells).rstrip())
