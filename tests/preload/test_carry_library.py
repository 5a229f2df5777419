"""carry: programs that go about a library's pool in unusual ways.

SPDX-License-Identifier: Apache-2.0
"""

import pytest

import support

pytestmark = pytest.mark.skipif(
    not support.CARRIES, reason="threads are carried on x86-64 with glibc 2.34 to 2.43"
)


def carried(case, forks, tmp_path):
    return support.run(
        [support.host("carried_library"), support.host("libcarried_pool.so"), case, forks],
        policy="carry:*/libcarried_pool.so",
        log=tmp_path / "log",
        isolated=True,
        env={"STARTS": "load"} if case == "loaded" else None,
    )


def reasons(outcome):
    return [each["reason"] for each in outcome.of("carry")]


@pytest.mark.parametrize(
    "case",
    [
        "cancelled",  # 235 of 300 children had crashed: the signal found a thread without a stack of its own
        "loaded",  # with the loader's lock held, the program had stood still
        "reloaded",  # its slots are new
        "told",
    ],
)
def test_all_children_work(case, tmp_path):
    outcome = carried(case, 60, tmp_path)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "60 of 60\n", ""), outcome
    assert reasons(outcome) == ["none"] * 60, outcome


def test_a_fork_handler_may_wait_for_the_pool(tmp_path):
    """The parent's fork goes on, and its child is without the pool."""
    outcome = carried("asked", 3, tmp_path)
    assert (outcome.status, outcome.stdout) == (0, "0 of 3\n"), outcome
    assert reasons(outcome) == ["woken"] * 3 and len(outcome.of("hang")) == 3, outcome


def test_a_fork_handler_may_end_the_pool(tmp_path):
    """...and start it anew: those threads alone are in the child."""
    outcome = carried("renewed", 60, tmp_path)
    assert (outcome.status, outcome.stdout) == (0, "60 of 60\n"), outcome
    assert reasons(outcome) == ["woken"] * 60, outcome
