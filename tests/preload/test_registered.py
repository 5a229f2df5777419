"""Runtimes that register by forkpolicy.h: their handlers run under every policy, and without a shim.

SPDX-License-Identifier: Apache-2.0
"""

import pytest

import support

POLICIES = ["off", "warn", "fail", "refuse", "reset"]


def registers(*arguments, **settings):
    return support.run(
        [support.host("registers"), *arguments], isolated=True, **settings
    )


def test_works_without_the_shim():
    outcome = registers("works", 100, preload=False)
    assert (outcome.status, outcome.stdout) == (0, "100 forks\n"), outcome


@pytest.mark.parametrize("policy", POLICIES)
def test_works_in_parent_and_child(policy):
    """And is not spoken of: it goes through the fork by itself."""
    outcome = registers("works", 100, policy=policy)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "100 forks\n", ""), outcome


@pytest.mark.parametrize("policy", POLICIES)
def test_order_of_the_handlers(policy):
    """Last registered first before the fork, first registered first after it; b has left."""
    lines = registers("order", policy=policy).stdout.splitlines()
    assert lines[:2] == ["prepare c", "prepare a"] and len(lines) == 6
    assert [line for line in lines if "parent" in line] == ["parent a", "parent c"]
    assert [line for line in lines if "child" in line] == ["child a", "child c"]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_fork_that_fails_is_undone(policy):
    assert registers("fails", policy=policy).stdout == "42\n"


def test_what_cannot_be_registered():
    said = dict(line.split() for line in registers("bad").stdout.splitlines())
    assert said == dict.fromkeys("twice abi name anchor null unknown gone".split(), "1")


def test_handlers_are_timed_and_named(tmp_path):
    outcome = registers("works", 1, policy="reset", log=tmp_path / "log")
    handlers = [(each["name"], each["phase"], each["error"]) for each in outcome.of("handler")]
    assert sorted(handlers) == [("doubler", phase, None) for phase in ("child", "parent", "prepare")]
    assert all(each["microseconds"] < 60e6 for each in outcome.of("handler"))


def busy(times, policy, milliseconds, tmp_path):
    return registers(
        "busy",
        times,
        policy=policy,
        log=tmp_path / "log",
        env={"FORKPOLICY_OPTIONS": f"quiesce_ms={milliseconds}"},
    )


@pytest.mark.parametrize("policy", POLICIES)
def test_a_busy_runtime_delays_the_fork(policy, tmp_path):
    outcome = busy(5, policy, 2000, tmp_path)
    assert outcome.stdout == "child 8\nparent 10\n", outcome
    (handler,) = [each for each in outcome.of("handler") if each["phase"] == "prepare"][:1]
    assert handler["microseconds"] >= 4000


def test_a_runtime_that_stays_busy_is_lost_like_any_other(tmp_path):
    outcome = busy(5, "fail", 0, tmp_path)
    assert outcome.stdout == "child 70\nparent 10\n", outcome
    assert "doubler" in outcome.stderr
    assert outcome.of("handler")[0]["error"] == "busy"


def test_a_busy_runtime_refuses_the_fork(tmp_path):
    outcome = busy(10**6, "refuse:doubler", 5, tmp_path)
    assert outcome.stdout.startswith("child -1\n"), outcome
    assert "refused" in outcome.stderr and "doubler is busy (quiesce_ms=5)" in outcome.stderr
