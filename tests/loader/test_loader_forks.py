"""Forks while batches are taken ahead at full speed. SPDX-License-Identifier: Apache-2.0"""

import pytest
from loader_forks import MODES, SHIMS, check, fork


@pytest.mark.parametrize("shim", SHIMS, ids=str)
def test_children_are_given_what_was_outstanding(shim):
    check(shim, (), 50, 0.5)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_every_number_of_threads(mode):
    check(SHIMS[0], mode, 50, 0.5)


@pytest.mark.parametrize("shim", SHIMS[:2], ids=str)
@pytest.mark.parametrize("threads", [0, 4])
def test_a_process_ends_while_its_threads_go_on(shim, threads):
    for _ in range(5):
        assert fork(shim, "exits", f"threads={threads}") == ""


@pytest.mark.parametrize("shim", SHIMS[:2], ids=str)
def test_it_is_unloaded_while_its_threads_work(shim):
    assert fork(shim, "unloads") == ""
