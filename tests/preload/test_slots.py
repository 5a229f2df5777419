"""The slots that the watch rewrites in a child: only those that are still there, and never at the cost of the parent.

SPDX-License-Identifier: Apache-2.0
"""

import pytest

import support


def library(name):
    return support.BUILD / "prog" / f"lib{name}.so"


def fork_beside(libraries, forkers, children, delay, timeout=60, policy="warn"):
    paths = [library(name) for name in libraries]
    command = [support.host("slots"), forkers, children, delay, *paths]
    outcome = support.run(command, policy=policy, timeout=timeout)
    assert outcome.status == 0 and f"{children} children, 0 bad, 0 ended" in outcome.stdout, outcome


@pytest.mark.parametrize("second", ["slot_wait", "slot_words", "slot_ids"])
def test_a_library_that_goes_between_scan_and_fork(second):
    """Its place is empty, or another one's, with words or other functions where the slots were."""
    fork_beside(["slot_wait", second], forkers=1, children=150, delay=1000)


def test_threads_that_fork_while_libraries_come_and_go():
    fork_beside(["slot_wait", "slot_words", "slot_ids"], forkers=4, children=3000, delay=0)


def test_a_child_finds_the_loader_free():
    """No scan of another thread has the loader's lock at the moment of the fork."""
    fork_beside([], forkers=4, children=2000, delay=0)


def test_text_relocations_are_left_alone():
    fork_beside(["textrel"], forkers=1, children=20, delay=0)


@pytest.mark.parametrize("policy", ["warn", "fail", "reset", "refuse,fail:*"])
def test_a_thread_that_stays_in_a_callback_of_the_loader(policy):
    outcome = support.run([support.host("in_callback")], policy=policy, timeout=20)
    assert outcome.stdout.split("\n")[:-1] == ["beside: 7", "left: 1", "after: 7", "inside: 7", "returned: 2"], outcome
    assert outcome.status == 0
