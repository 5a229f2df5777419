"""A watched child that forbids itself system calls the shim's looks are made of (seccomp).

SPDX-License-Identifier: Apache-2.0
"""

import pytest

import support


@pytest.mark.parametrize("policy", ["warn", "fail", "reset"])
@pytest.mark.parametrize("by", ["prctl", "seccomp"])
def test_a_child_in_a_sandbox_is_left_alone(by, policy, tmp_path):
    log = tmp_path / "log"
    outcome = support.run([support.host("sandbox"), by], policy=policy, log=log, timeout=30)
    assert outcome.stdout == "its own child: 3\nchild: 0\n", outcome
    assert outcome.status == 0 and not outcome.of("hang"), outcome.records
    assert len(outcome.of("fork")) == 1, "the child's own fork is not looked at"
