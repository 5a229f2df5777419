"""Ten thousand random tables, and values of gigabytes. SPDX-License-Identifier: Apache-2.0"""

import sys
from pathlib import Path

import pyarrow
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "loader"))
from library import Table  # noqa: E402
from test_take import check_table  # noqa: E402

GROUPS = 20
TABLES = 10_000


@pytest.mark.parametrize("group", range(GROUPS))
def test_random_tables(group):
    for seed in range(1_000_000 + group, 1_000_000 + TABLES, GROUPS):
        try:
            check_table(seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def test_views_of_more_than_one_buffer():
    """Offsets of views end at 2 GiB, those of all buffers together do not."""
    values = [b"%d" % i * (1 << 24) for i in range(3)]
    source = pyarrow.table({"v": pyarrow.array(values, pyarrow.binary_view())})
    rows = [i % 3 for i in range(140)]
    with Table(source) as table:
        taken = table.take(rows).field(0)
    assert len([buffer for buffer in taken.buffers()[2:] if buffer]) == 2
    for at, row in enumerate(rows):
        assert taken[at].as_buffer().equals(source["v"][row].as_buffer())


def test_large_text_of_more_than_two_gibibytes():
    source = pyarrow.table({"t": pyarrow.array(["x" * (1 << 24), "y"], pyarrow.large_string())})
    with Table(source) as table:
        taken = table.take([0, 1] * 129).field(0)
    assert taken.buffers()[2].size >= 129 * ((1 << 24) + 1) > 1 << 31
    assert taken[257].as_py() == "y" and taken[256].as_buffer().equals(source["t"][0].as_buffer())
