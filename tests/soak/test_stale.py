# SPDX-License-Identifier: Apache-2.0
"""Why children of lancedb crash: its table of those who wait points to records of lost threads, in
memory that libc frees. `make soak`; seconds.
"""

import sys

import pytest

from support import ROOT

sys.path.insert(0, str(ROOT / "tests" / "python"))

from python_jobs import answer, run_job  # noqa: E402: found by the path just set


def look(tmp_path, **settings):
    """Every record that a child finds is one of a lost thread; how many there are, and are kept."""
    said = answer(run_job("stale.py", environment="lancedb", tmp=tmp_path, **settings))
    print(settings, said)
    assert said["records"] == said["of_lost"] > 0 and len(said["places"]) == 1, said
    return said["records"], said["kept"]


@pytest.mark.parametrize("settings", [{"preload": False}, {"policy": "off"}])
def test_records_of_lost_threads_are_overwritten_without_reset(settings, tmp_path):
    records, kept = look(tmp_path, **settings)
    assert kept < records


def test_records_of_lost_threads_stay_under_reset(tmp_path):
    records, kept = look(tmp_path, policy="reset")
    assert kept == records
