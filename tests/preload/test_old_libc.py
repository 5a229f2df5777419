"""The watch where glibc is older: before 2.36 RTLD_NEXT gives the older version of conditions, before
2.35 there is no _dl_find_object, and before 2.30 no wait by a chosen clock.

A library before the shim answers its dlsym as such a libc does (tests/prog/lib/old_libc.c).
SPDX-License-Identifier: Apache-2.0
"""

import platform
import re

import pytest

import support
from test_watch import DEAD, the_hang

OLDER = ["no_clocks", "no_find_object"] + ["old_conditions"] * (platform.machine() == "x86_64")
FINE = [
    "timed_cond",
    "timed_mutex",
    "timed_rwlock",
    "timed_sem",
    "cancel_cond",
    "shared_cond",
    "handler_cond",
    "cond_beside_nanosleep",
    "cond_beside_timed_cond",
    "sem_beside_timed_sem",
    "rdlock_beside_nanosleep",
    "join_beside_nanosleep",
]


def run(libc, case, log):
    before = support.BUILD / "prog" / "libold_libc.so"
    env = {"LD_PRELOAD": f"{before}:{support.LIBRARY}", "FORKPOLICY_TEST_LIBC": libc}
    command = [support.host("dead_waits"), case, 10]
    return support.run(command, policy="fail", log=log, env=env, timeout=60)


@pytest.mark.parametrize("case", DEAD)
@pytest.mark.parametrize("libc", OLDER)
def test_is_ended(libc, case, tmp_path):
    outcome = run(libc, case, tmp_path / "log")
    assert (outcome.status, outcome.stdout) == (0, "status 70\n"), outcome
    the_hang(outcome, case, "exited")


@pytest.mark.parametrize("case", FINE)
@pytest.mark.parametrize("libc", OLDER)
def test_ends_by_itself(libc, case, tmp_path):
    outcome = run(libc, case, tmp_path / "log")
    assert (outcome.status, outcome.stdout) == (0, "fine\n"), outcome
    assert not [hang for hang in outcome.of("hang") if hang["verdict"] == "proven"], outcome.records


def short_of(libc):
    env = {"LD_PRELOAD": str(support.host("libold_libc.so")), "FORKPOLICY_TEST_LIBC": libc}
    outcome = support.run([support.PROGRAM, "check", support.host("plain")], preload=False, env=env)
    assert outcome.status == 0, outcome
    return re.findall(r"^short +(.*): this libc does not tell", outcome.stdout, flags=re.M)


def test_check_tells_what_an_older_libc_does_not():
    stacks, threads = short_of("no_stack_list,no_single_threaded")
    assert stacks == "a child may use stacks of lost threads again, under reset, too"
    assert threads == "a fork loses threads in silence where none was started through a hook"
    if support.LIBC >= (2, 34):
        assert short_of("no_stack_list") == [stacks] and short_of("") == []


def recorded_short_of(libc, policy, log):
    env = {"LD_PRELOAD": str(support.host("libold_libc.so")), "FORKPOLICY_TEST_LIBC": libc}
    command = [support.PROGRAM, "run", "--policy", policy, "--log", log, "--", support.host("plain")]
    outcome = support.run(command, preload=False, log=log, env=env)
    (start,) = outcome.of("start")
    return start["short"]


@pytest.mark.parametrize("policy", ["warn", "reset"])
def test_the_record_of_the_start_has_it(policy, tmp_path):
    """...also where the policy asks for nothing that libc would have to tell."""
    short_of_both = recorded_short_of("no_stack_list,no_single_threaded", policy, tmp_path / "both")
    assert short_of_both == ["stacks", "threads"]
    if support.LIBC >= (2, 34):
        assert recorded_short_of("no_stack_list", policy, tmp_path / "one") == ["stacks"]
        assert recorded_short_of("", policy, tmp_path / "none") == []


@pytest.mark.parametrize("libc", OLDER)
def test_the_amplifier_calls_what_programs_call(libc, tmp_path):
    before = support.BUILD / "prog" / "libold_libc.so"
    amplifier = support.BUILD / "libforkamplify.so"
    env = {"LD_PRELOAD": f"{before}:{amplifier}", "FORKPOLICY_TEST_LIBC": libc}
    command = [support.host("dead_waits"), "cond_beside_nanosleep", 10]
    outcome = support.run(command, preload=False, env=env)
    assert (outcome.status, outcome.stdout) == (0, "fine\n"), outcome
