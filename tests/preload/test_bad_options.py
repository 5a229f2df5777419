# SPDX-License-Identifier: Apache-2.0
"""FORKPOLICY_OPTIONS that are wrong: one line, and the job goes on."""

import os

import pytest

import support
from loaded import JOBS, LOADED, is_line, run

OPTIONS = {
    "an unknown key": (
        "hang_seconds=5,hang=1",
        r'FORKPOLICY_OPTIONS column 16: unknown key "hang" '
        r"\(known: on_proven, hang_seconds, grace_seconds, quiesce_ms, sever, quiet, replace_fork, inline_futex\); "
        r"this entry is left out",
    ),
    "a bad word": (
        "on_proven= rise",
        r'FORKPOLICY_OPTIONS column 12: bad value "rise" for on_proven '
        r"\(allowed: raise\|exit\|abort\|report\); this entry is left out",
    ),
    "a number out of bounds": (
        "hang_seconds=0.04",
        r'FORKPOLICY_OPTIONS column 14: bad value "0.04" for hang_seconds \(allowed: 0.05 to '
        r"86400, at most 3 decimals\); this entry is left out",
    ),
    "an empty entry": (
        "inline_futex=0,",
        r"FORKPOLICY_OPTIONS column 16: empty entry .*; this entry is left out",
    ),
    "no value": (
        "on_proven",
        r"FORKPOLICY_OPTIONS column 1: no '=' in \"on_proven\" .*; this entry is left out",
    ),
    "three wrong ones": (
        "x,y=1,inline_futex=2,on_proven=exit",
        r"FORKPOLICY_OPTIONS column 1: .* \(and 2 more\); the bad entries are left out",
    ),
    "100 KB of bytes that are no text": (
        b"\xff\x1b" * 50_000 + b"=1",
        r'FORKPOLICY_OPTIONS column 1: unknown key "\\xff\\x1b.*\.\.\." .*; this entry is left out',
    ),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_bad_option_is_said_once_a_job_that_goes_on(name):
    value, line = OPTIONS[name]
    env = {"FORKPOLICY_OPTIONS": os.fsdecode(value)}
    for command in (LOADED, [*JOBS["a shell"], *LOADED]):
        outcome = run(command, env)
        assert outcome.status == 0 and "child ended with 3\n" in outcome.stdout, outcome
        assert is_line(line, outcome.stderr), outcome.stderr
    outcome = run([support.host("idle")], env)
    assert (outcome.status, outcome.stderr) == (0, ""), outcome


@pytest.mark.parametrize(
    "value",
    [
        "",
        "on_proven=raise",
        "on_proven=exit,on_proven=abort , on_proven=report",
        "hang_seconds=0.05,hang_seconds=86400",
        "on_proven=raise,hang_seconds=2.125,inline_futex=0",
    ],
)
def test_good_options_are_taken_in_silence(value):
    outcome = run(LOADED, {"FORKPOLICY_OPTIONS": value})
    assert (outcome.status, outcome.stdout) == (0, "child ended with 3\n"), outcome
    assert outcome.stderr == ""


def test_bad_options_leave_the_policy_alone():
    outcome = run(LOADED, {"FORKPOLICY": "bad,off", "FORKPOLICY_OPTIONS": "bad"})
    assert [line.split()[1] for line in outcome.said] == ["FORKPOLICY", "FORKPOLICY_OPTIONS"]
