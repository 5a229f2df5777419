# SPDX-License-Identifier: Apache-2.0
"""reset in C programs: stacks of lost threads are not used again. Under warn each case shows what it prevents."""

import re

import pytest

import support
from reset_hosts import SURVIVES, run_host

KEPT = pytest.mark.skipif(support.LIBC < (2, 34), reason="before glibc 2.34 lost stacks are used again")

STACK_CASES = ["sizes", "c11", "small", "by_handle", "default_set", "nested", "nested_idle"]
STACK_CASES += ["in_thread"]


def stacks(case, policy, **settings):
    """What became of each stack: {name: {"apart", "reused"}}."""
    outcome = run_host("stack_reuse", case, policy=policy, **settings)
    seen = {}
    for line in outcome.stdout.splitlines():
        name, _, what = line.rpartition(" ")
        seen.setdefault(name, set()).add(what)
    assert seen, outcome
    return seen


@pytest.mark.parametrize("case", STACK_CASES)
def test_lost_stacks_are_used_again_without_reset(case):
    for policy in ("warn", "off"):
        assert {"reused"} <= set().union(*stacks(case, policy).values())


@KEPT
@pytest.mark.parametrize("case", STACK_CASES)
def test_no_lost_stack_is_used_again(case):
    seen = stacks(case, "reset")
    assert not {name for name, what in seen.items() if "reused" in what}


@KEPT
def test_no_lost_stack_of_what_survives_is_used_again(tmp_path):
    """Of lancedb's kind: it starts anew in the child, and its old threads' records are waiting."""
    seen = stacks("sizes", "reset", tmp_path=tmp_path, file=SURVIVES)
    assert not {name for name, what in seen.items() if "reused" in what}


@KEPT
def test_what_is_asked_for_by_name_is_enough(tmp_path):
    seen = stacks("sizes", "reset:host", tmp_path=tmp_path, file=SURVIVES)
    assert not {name for name, what in seen.items() if "reused" in what}


def test_a_stack_is_as_large_as_the_default_that_was_set():
    assert "too small" not in run_host("stack_reuse", "default_set", policy="reset").stdout


@pytest.mark.parametrize("policy", ["warn", pytest.param("reset", marks=KEPT)])
def test_lost_stacks_stay_when_threads_of_the_child_end(policy):
    """libraries still point to them, and to what libc frees with them (dynamic TLS)."""
    outcome = run_host("stack_reuse", "kept", policy=policy)
    there, lost = map(int, re.search(r"there (\d+) of (\d+)", outcome.stdout).groups())
    assert lost == 8
    assert there < lost if policy == "warn" else there == lost


@pytest.mark.parametrize("policy", ["warn", "reset"])
def test_a_thousand_threads_take_no_more_memory_than_one(policy):
    size, resident = map(
        int,
        re.search(
            r"grew (-?\d+) (-?\d+)", run_host("stack_reuse", "thousand", policy=policy).stdout
        ).groups(),
    )
    assert size <= 1024 and resident <= 1024  # KiB


@pytest.mark.parametrize("policy", [None, "warn", "reset"])
def test_a_thread_is_what_it_was_asked_to_be(policy):
    settings = {"preload": policy is not None}
    outcome = run_host("stack_reuse", "attributes", policy=policy, **settings)
    assert outcome.stdout == "attributes kept\n"


def test_threads_of_the_parent_stay_as_they_are():
    bare = run_host("stack_reuse", "parent", policy=None, preload=False)
    assert "16M 16384\n" in bare.stdout
    assert run_host("stack_reuse", "parent", policy="reset").stdout == bare.stdout
