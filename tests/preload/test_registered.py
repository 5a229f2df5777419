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


@pytest.mark.parametrize("policy", POLICIES)
def test_no_handler_runs_after_unregister(policy):
    """It waits for the one that runs; the parent's is not called then."""
    lines = registers("leaves", policy=policy).stdout.splitlines()
    assert sorted(lines) == ["forked", "no handler runs 1", "unregistered 0"]


def test_a_handler_may_unregister_its_own_runtime():
    assert registers("leaves_by_itself", policy="warn").stdout == "unregistered 0\nforked\n"


@pytest.mark.parametrize("policy", ["fail", "reset"])
def test_a_signal_handler_that_forks_meanwhile(policy):
    """Its child is told, and the fork that was under way goes on as it was prepared."""
    outcome = registers("signal", policy=policy, env={"FORKPOLICY_OPTIONS": "quiesce_ms=1500"})
    assert outcome.stdout == "child 0, parent 0, 1 forks in the handler, 0 stuck\n", outcome


def plugin(case, policy):
    library = support.host("libplugin_runtime.so")
    return support.run(
        [support.host("plugin_reload"), library, case], policy=policy, isolated=True
    )


@pytest.mark.parametrize("policy", POLICIES)
def test_a_plugin_that_comes_and_goes(policy):
    outcome = plugin("again", policy)
    assert (outcome.status, outcome.stderr) == (0, ""), outcome


@pytest.mark.parametrize("case", ["unregistered", "forgotten"])
def test_a_closed_library_is_forgotten(case):
    """Nothing of it is read, and what its threads leave hanging when it is back is told and ended."""
    outcome = plugin(case, "fail")
    assert outcome.stdout == "closed 0\nwaits 70\n", outcome
    assert "can never go on" in outcome.stderr
