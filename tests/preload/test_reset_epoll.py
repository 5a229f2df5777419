# SPDX-License-Identifier: Apache-2.0
"""reset in C programs: a child has epoll instances of its own. Under warn each case shows what it prevents."""

import re

import pytest

from reset_hosts import SURVIVES, run_host

# Epoll instances: what the child says, then what the parent still gets; the latter under warn

EPOLLS = {
    "flags": (
        ["level edge oneshot - exclusive", "level - - - exclusive"],
        ["parent 4 of 4"],
        ["parent 0 of 4"],
    ),
    "many": (["child 3000"], ["parent 3000 of 3000"], ["parent 0 of 3000"]),
    "two": (
        ["child 1 3", "child 0 2"],
        ["parent 1 of 1", "parent 3 of 3"],
        ["parent 0 of 1", "parent 2 of 3"],
    ),
    "thread": (
        ["child 1 3", "child 0 2"],
        ["parent 1 of 1", "parent 3 of 3"],
        ["parent 0 of 1", "parent 2 of 3"],
    ),
    "reused": (
        ["child 1 kept", "the new file is not watched"],
        ["parent 1 of 1"],
        ["parent 0 of 1"],
    ),
    "reused_anon": (
        ["child 1 kept", "the new file is not watched"],
        ["parent 1 of 1"],
        ["parent 0 of 1"],
    ),
    "nested_low": (
        ["child outer 1 inner 1", "child outer 0 inner 0", "child outer 1 inner 1"],
        ["parent 1 of 1", "parent 1 of 1"],
        ["parent 0 of 1", "parent 0 of 1"],
    ),
    "nested_high": (
        ["child outer 1 inner 1", "child outer 0 inner 0", "child outer 1 inner 1"],
        ["parent 1 of 1", "parent 1 of 1"],
        ["parent 0 of 1", "parent 0 of 1"],
    ),
    "dup": (
        ["child 1 1", "child 0 0", "child 1 1"],
        ["parent 1 of 1"],
        ["parent 0 of 1"],
    ),
    "later": (["child 2 5 6"], ["parent 2 of 2"], ["parent 2 of 2"]),
    "cloexec": (["flags 1 0", "flags 1 0"], ["parent 0 of 0"], ["parent 0 of 0"]),
}


@pytest.mark.parametrize("case", EPOLLS)
def test_a_child_silences_its_parent_without_reset(case):
    child, _, parent = EPOLLS[case]
    for policy in ("warn", "off"):
        outcome = run_host("epolls", case, policy=policy)
        assert outcome.stdout.splitlines() == child + parent, outcome


@pytest.mark.parametrize("case", EPOLLS)
def test_a_child_has_epoll_instances_of_its_own(case):
    child, parent, _ = EPOLLS[case]
    outcome = run_host("epolls", case, policy="reset")
    assert outcome.stdout.splitlines() == child + parent, outcome


@pytest.mark.parametrize("case", EPOLLS)
def test_the_parent_keeps_what_it_watches(case):
    outcome = run_host("epolls", case, policy="reset")
    assert [line for line in outcome.stdout.splitlines() if line.startswith("parent")] == EPOLLS[
        case
    ][1], outcome


def test_no_descriptor_is_left_open():
    outcome = run_host("epolls", "none", policy="reset")
    before, after = map(int, re.findall(r"\d+", outcome.stdout))
    assert before == after


def test_without_a_free_descriptor_the_child_goes_on_as_it_was():
    outcome = run_host("epolls", "full", policy="reset")
    assert outcome.stdout.splitlines() == ["opened 0", "parent 0 of 1"]


def test_epoll_instances_beside_what_survives(tmp_path):
    child, parent, _ = EPOLLS["two"]
    outcome = run_host("epolls", "two", policy="reset", tmp_path=tmp_path, file=SURVIVES)
    assert outcome.stdout.splitlines() == child + parent
