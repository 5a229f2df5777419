"""A forked child that lost threads and crashed: one line with what it lost, and nothing else changes.

SPDX-License-Identifier: Apache-2.0
"""

import re
import signal

import pytest

import support

SIGNALS = {
    "segv": signal.SIGSEGV,
    "abort": signal.SIGABRT,
    "bus": signal.SIGBUS,
    "fpe": signal.SIGFPE,
    "ill": signal.SIGILL,
}
# How a child ends that has not crashed: its parent ended it, another program ran in it, it lost nothing.
QUIET = {
    "term": "signal 15",
    "kill": "signal 9",
    "exit": "exit 5",
    "exec": "signal 11",
    "aborted": "signal 6",
    "aborted as a group": "signal 6",
    "aborted then killed": "signal (6|9)",
    "segv alone": "signal 11",
}
WAITS = ["wait", "wait3", "wait4", "waitpid", "any", "group", "again", "waitid"]
LINE = re.compile(
    r"forkpolicy: pid (\d+) \(crashes \w+\), a forked child, crashed \((SIG\w+)\): the fork lost 1 of 2 "
    r"threads, one of crashes, in fork\(\) called from \S+/crashes; if that is why: .+"
)


def crash(how, wait, tmp_path, policy="warn"):
    outcome = support.run([support.host("crashes"), how, wait], policy=policy, log=tmp_path / "log")
    assert outcome.status == 0, outcome
    return outcome


def check_told(outcome, name):
    (line,) = outcome.said
    (record,) = outcome.of("crash")
    (fork,) = outcome.of("fork")
    match = LINE.fullmatch(line)
    assert match and match[2] == record["signal"] == name, line
    assert int(match[1]) == record["child"] == fork["child"] and record["pid"] == fork["pid"]
    assert record["fork"]["lost_threads"] == 1 and record["fork"]["site"] == fork["site"], record
    assert [each["threads"] for each in record["runtimes"]] == [1], record


@pytest.mark.parametrize("how", SIGNALS)
def test_crash_is_told(how, tmp_path):
    outcome = crash(how, "waitpid", tmp_path)
    assert outcome.stdout == f"signal {SIGNALS[how].value}\n"
    check_told(outcome, SIGNALS[how].name)


@pytest.mark.parametrize("wait", WAITS)
def test_whatever_the_parent_waits_by(wait, tmp_path):
    outcome = crash("segv", wait, tmp_path)
    assert outcome.stdout == "signal 11\n"
    check_told(outcome, "SIGSEGV")


def test_who_waits_gets_the_status_before_a_handler_that_takes_all(tmp_path):
    """The kernel gives the status to the waiting thread before the handler runs: no look comes between."""
    outcome = crash("segv", "beside a handler", tmp_path)
    assert outcome.stdout == "signal 11\n" and not outcome.said


@pytest.mark.parametrize("how", QUIET)
def test_other_ends_are_not_told(how, tmp_path):
    outcome = crash(how, "waitpid", tmp_path)
    assert re.fullmatch(QUIET[how], outcome.stdout.strip()), outcome
    assert not outcome.said and not outcome.of("crash")


@pytest.mark.parametrize("policy", ["fail", "reset", "refuse"])
def test_under_each_policy(policy, tmp_path):
    check_told(crash("segv", "waitpid", tmp_path, policy), "SIGSEGV")


def test_not_under_off(tmp_path):
    outcome = crash("segv", "waitpid", tmp_path, "off")
    assert outcome.stdout == "signal 11\n" and not outcome.said and not outcome.records
