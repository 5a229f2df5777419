# SPDX-License-Identifier: Apache-2.0
"""docs/servers.md says what real servers do today. `make soak`; half an hour."""

import shutil

import pytest

import servers_table

SAID = {tuple(cells[:2]): cells[2:] for cells in servers_table.read_page()}


@pytest.fixture(scope="module")
def table():
    if not shutil.which("redis-server"):
        pytest.skip("no redis-server here")
    with servers_table.table() as made:
        yield made


@pytest.mark.parametrize("name, use", servers_table.ROWS)
def test_row(name, use, table):
    server, used, *cells = table.row(name, use)
    assert cells == SAID[server, used]


def test_the_page_has_these_rows_alone():
    assert set(SAID) == {(servers_table.NAMES[name], servers_table.USES[use]) for name, use in servers_table.ROWS}
