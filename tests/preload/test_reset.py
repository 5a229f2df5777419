# SPDX-License-Identifier: Apache-2.0
"""reset in C programs: prepare lines of a policy file."""

import shutil

import pytest

import support
from reset_hosts import run_host

LIBRARY = support.BUILD / "prog" / "libprepared.so"
RESET = 'prepared_reset(int 1, long 2, double 0, pointer null, string "")'
HEAD = "runtime prepared\n    dso */libprepared*.so\n    class reset\n"
COLUMN = len("    prepare ") + 1


def policy_of(*calls):
    return HEAD + "".join(f"    prepare {call}\n" for call in calls)


def prepares(tmp_path, calls, *arguments, policy="reset"):
    return run_host(
        "prepares",
        *arguments,
        policy=policy,
        tmp_path=tmp_path,
        file=policy_of(*calls),
        log=tmp_path / "log",
    )


def problems(outcome, tmp_path):
    """What is said of the file."""
    return [line for line in outcome.said if str(tmp_path / "a.policy") in line]


WORKS = ["child 42", "status 0", "calls 1 by the forker", "parent 42"]


@pytest.mark.parametrize(
    "call, said",
    [
        (
            "prepared_reset(int -7, long 5000000000, double 2.5, pointer 0xdeadbeef, "
            'string "a, b")',
            "reset -7 5000000000 2.5 0xdeadbeef [a, b]",
        ),
        (
            "prepared_reset(int 2147483647, long -9223372036854775807, double -0.125, "
            'pointer null, string "")',
            "reset 2147483647 -9223372036854775807 -0.125 (nil) []",
        ),
        (
            "prepared_reset( int  -2147483647 ,long 0,double 1, pointer 0xffffffffffffffff,"
            'string "(\'é#)" )',
            "reset -2147483647 0 1 0xffffffffffffffff [('é#)]",
        ),
        (
            "prepared_eight(long 1, long -2, long 3, long 4, long 5, long 6, long -7, long 8)",
            "eight 1 -2 3 4 5 6 -7 8",
        ),
        (
            "prepared_doubles(double -1.5, int 2, double 0.25, double 100)",
            "doubles -1.5 2 0.25 100",
        ),
        ("prepared_nothing()", "nothing"),
        ("prepared_forks()", "forked 0"),
    ],
)
def test_arguments_arrive(call, said, tmp_path):
    outcome = prepares(tmp_path, [call], LIBRARY)
    assert outcome.stdout.splitlines() == ["before 42", said, *WORKS], outcome
    assert not outcome.stderr


def test_the_record_of_a_reset(tmp_path):
    outcome = prepares(tmp_path, ['prepared_note(string "first")', RESET], LIBRARY)
    assert outcome.stdout.splitlines() == [
        "before 42",
        "note first",
        "reset 1 2 0 (nil) []",
        *WORKS,
    ]
    first, second = outcome.of("reset")
    assert (first["function"], second["function"]) == ("prepared_note", "prepared_reset")
    (fork,) = outcome.of("fork")
    for record in (first, second):
        assert (record["name"], record["error"]) == ("prepared", None)
        assert record["dso"] == str(LIBRARY.resolve())
        assert 0 <= record["microseconds"] < 10_000_000
        assert (record["pid"], record["time"] < fork["time"]) == (fork["pid"], True)
    assert fork["runtimes"][0]["action"] == "reset"
    assert not outcome.of("hang") and not outcome.of("use")


@pytest.mark.parametrize("arguments", [["by_thread"], ["small"], []])
def test_called_once_for_each_fork_by_the_thread_that_forks(arguments, tmp_path):
    outcome = prepares(tmp_path, [RESET], "forks=3", *arguments, LIBRARY)
    lines = [line for line in outcome.stdout.splitlines() if not line.startswith("reset ")]
    assert lines == ["before 42"] + [
        line.replace("1", str(nth)) if line.startswith("calls") else line
        for nth in (1, 2, 3)
        for line in WORKS
    ]
    assert len(outcome.of("reset")) == 3


def test_a_child_resets_for_its_own_child(tmp_path):
    outcome = prepares(tmp_path, [RESET], "nested", LIBRARY)
    assert outcome.stdout.splitlines() == [
        "before 42",
        "reset 1 2 0 (nil) []",
        "child 42",
        "reset 1 2 0 (nil) []",
        "grandchild 42",
        "child 42",
        *WORKS[1:],
    ]
    first, second = outcome.of("reset")
    assert first["pid"] == second["ppid"]


def test_every_copy_of_a_library_is_called(tmp_path):
    copy = tmp_path / "libprepared-copy.so"
    shutil.copy(LIBRARY, copy)
    outcome = prepares(tmp_path, [RESET], LIBRARY, copy)
    assert outcome.stdout.splitlines() == [
        "before 42 42",
        *["reset 1 2 0 (nil) []"] * 2,
        "child 42 42",
        "status 0",
        *["calls 1 by the forker"] * 2,
        "parent 42 42",
    ]
    assert {each["dso"] for each in outcome.of("reset")} == {str(LIBRARY.resolve()), str(copy)}


@pytest.mark.parametrize("policy, status", [("warn", 142), ("fail", 70), ("off", 142)])
def test_not_called_without_reset(policy, status, tmp_path):
    limit = ["limit=3"] if status == 142 else []
    outcome = prepares(tmp_path, [RESET], *limit, LIBRARY, policy=policy)
    assert outcome.stdout.splitlines() == [
        "before 42",
        f"status {status}",
        "calls 0 by another",
        "parent 42",
    ]
    assert not outcome.of("reset")


@pytest.mark.parametrize("policy", ["reset:prepared", "off,reset:*/libprepared*", "carry"])
def test_what_asks_for_it(policy, tmp_path):
    outcome = prepares(tmp_path, [RESET], LIBRARY, policy=policy)
    assert outcome.stdout.splitlines()[-4:] == WORKS


def test_only_what_is_asked_for(tmp_path):
    outcome = prepares(tmp_path, [RESET], LIBRARY, policy="fail,reset:another")
    assert "status 70" in outcome.stdout.splitlines()


@pytest.mark.parametrize(
    "call, error, called",
    [
        ("prepared_missing(int 1)", "is not a function of this library", False),
        ("getpid()", "is not a function of this library", False),
        ("prepared_fails(int 1)", "did not return 0", True),
        ("prepared_fails(int -1)", "did not return 0", True),
    ],
)
def test_what_cannot_be_reset_acts_as_fail(call, error, called, tmp_path):
    """The first line that does not work is the last; it is said once, and recorded each time."""
    function = call.partition("(")[0]
    outcome = prepares(tmp_path, [call, RESET], "forks=2", LIBRARY)
    calls = [f"calls {nth} by another" if called else "calls 0 by another" for nth in (1, 2)]
    lines = [line for line in outcome.stdout.splitlines() if not line.startswith("fails ")]
    assert lines == [
        "before 42",
        *("status 70", calls[0], "parent 42"),
        *("status 70", calls[1], "parent 42"),
    ], outcome
    assert problems(outcome, tmp_path) == [
        f"forkpolicy: {tmp_path}/a.policy:4:{COLUMN}: {function} {error}, "
        f'{LIBRARY.resolve()}; it is not reset and acts as "fail"'
    ]
    assert [each["error"] for each in outcome.of("reset")] == [error] * 2
    assert len(outcome.of("hang")) == 2


def test_every_copy_that_cannot_be_reset_is_told_of(tmp_path):
    copy = tmp_path / "libprepared-copy.so"
    shutil.copy(LIBRARY, copy)
    outcome = prepares(tmp_path, ["prepared_missing()"], "forks=2", LIBRARY, copy)
    said = problems(outcome, tmp_path)
    assert len(said) == 2 and str(LIBRARY.resolve()) in said[0] and str(copy) in said[1]


@pytest.mark.parametrize(
    "call, column, wrong",
    [
        ("prepared_note(float 1)", 14, "want a type here: int, long, double, pointer or string"),
        ("prepared_note(int 99999999999)", 27, "this number is too large for its type"),
        ("prepared_note(string first)", 21, "want a string in double quotes here"),
        ("prepared_note(int 1", 19, "want ',' or ')' here"),
        ("prepared_note", 13, "want '(' behind the function's name"),
        ("prepared_note(int 1) x", 21, "want the end of the line here"),
    ],
)
def test_a_wrong_signature_is_said_once(call, column, wrong, tmp_path):
    outcome = prepares(tmp_path, [call], "forks=2", LIBRARY)
    (line,) = problems(outcome, tmp_path)
    assert line.startswith(f"forkpolicy: {tmp_path}/a.policy:4:{COLUMN + column}: {wrong}"), line
    assert outcome.stdout.splitlines().count("status 70") == 2  # unknown, then: as under fail
    assert not outcome.of("reset")


@pytest.mark.parametrize("arguments", [["idle"], ["idle", "unused", LIBRARY]])
def test_a_library_that_is_not_there_or_has_no_threads(arguments, tmp_path):
    outcome = prepares(tmp_path, [RESET], *arguments)
    assert "status 0" in outcome.stdout.splitlines()
    assert not outcome.of("reset") and not outcome.stderr
