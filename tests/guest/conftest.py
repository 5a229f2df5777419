# SPDX-License-Identifier: Apache-2.0
"""Runs the selected rows some at a time, and marks those that are known to be red (red.py)."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import rows  # noqa: E402: found by the path just set
from red import find  # noqa: E402

AT_ONCE = 6 * os.cpu_count()  # they mostly sleep


def key(item):
    """What red.py calls a test: the row, or the test's name and its parameters."""
    row = getattr(item, "callspec", None) and item.callspec.params.get("row")
    return str(row) if row else item.name.removeprefix("test_")


def pytest_collection_modifyitems(items):
    for item in items:
        if not Path(item.fspath).is_relative_to(HERE):
            continue
        red = find(key(item))
        if red:
            item.add_marker(pytest.mark.xfail(reason=red[0], strict=red[1]))


@pytest.fixture(scope="session")
def outcomes(request, tmp_path_factory):
    """outcomes(row): (the outcome bare, those of all rounds under the shim)."""
    folder = tmp_path_factory.mktemp("guest")
    pool = ThreadPoolExecutor(AT_ONCE)
    runs = {}
    for item in request.session.items:
        row = getattr(item, "callspec", None) and item.callspec.params.get("row")
        if not row:
            continue
        for each, times in ((row.bare(), 1), (row, rows.ROUNDS)):
            if each not in runs:
                runs[each] = [
                    pool.submit(rows.run, each, folder / f"{each}-{i}") for i in range(times)
                ]

    def wait(row):
        (bare,) = runs[row.bare()]
        return bare.result(), [each.result() for each in runs[row]]

    yield wait
    pool.shutdown(cancel_futures=True)
