# SPDX-License-Identifier: Apache-2.0
"""docs/servers.md says what real servers and jobs do today. `make soak`; half an hour."""

import pytest

import servers_page
import servers_rows
import servers_table

SAID = servers_page.read()


@pytest.fixture(scope="module")
def table():
    with servers_table.table(servers_rows.ROWS) as made:
        yield made


@pytest.mark.parametrize("name, use", servers_rows.ROWS)
def test_row(name, use, table):
    try:
        cells = table.row(name, use)
    except servers_table.NotHere as why:
        pytest.skip(str(why))
    assert cells == SAID[name, use]


def test_the_page_has_these_rows_alone():
    assert set(SAID) <= set(servers_rows.ROWS) and len(SAID) == len(servers_page.page_lines())
