"""How much of a forking thread's stack the shim takes: a thread may have 16 KiB, a signal handler 8.

SPDX-License-Identifier: Apache-2.0
"""

import re

import pytest

import support

MOST = 2048  # bytes, in the parent and in the child (docs/limits.md)


def depths(**settings):
    outcome = support.run([support.host("stack_depth")], timeout=30, **settings)
    assert outcome.status == 0, outcome
    assert outcome.stdout.split("\n")[1:-1] == ["small: 5", "small: 5", "spoilt: 0"], outcome
    return [int(number) for number in re.findall(r"\d+", outcome.stdout.split("\n")[0])]


@pytest.mark.parametrize("with_log", [False, True])
@pytest.mark.parametrize("policy", ["warn", "fail", "reset", "warn:*"])
def test_a_fork_takes_little_of_the_stack(policy, with_log, tmp_path):
    bare = depths(preload=False)
    options = {"FORKPOLICY_OPTIONS": "quiesce_ms=5,sever=1"}
    log = tmp_path / "log" if with_log else None
    shimmed = depths(policy=policy, log=log, env=options)
    assert all(more - less <= MOST for more, less in zip(shimmed, bare)), (bare, shimmed)
