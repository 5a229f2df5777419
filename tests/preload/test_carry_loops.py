"""carry: threads that are idle in epoll_wait go on working in forked children, with files of their own.

SPDX-License-Identifier: Apache-2.0
"""

import shutil

import pytest

import support

pytestmark = pytest.mark.skipif(
    not support.CARRIES, reason="threads are carried on x86-64 with glibc 2.34 to 2.43"
)


def looped(case, threads, forks, tmp_path, policy="carry:*/carried_loop"):
    return support.run(
        [support.host("carried_loop"), case, threads, forks],
        policy=policy,
        log=tmp_path / "log",
        isolated=True,
    )


def reasons(outcome):
    return [each["reason"] for each in outcome.of("carry")]


def test_the_child_needs_it(tmp_path):
    outcome = looped("unread", 2, 2, tmp_path, policy="fail")
    assert outcome.stdout.splitlines()[-1] == "0 work, 2 do not", outcome


@pytest.mark.parametrize("case, forks", [("edge", 60), ("unread", 60), ("level", 60), ("shared", 60), ("deep", 20)])
def test_parent_and_child_work_at_once(case, forks, tmp_path):
    """Neither sees what the other wakes."""
    outcome = looped(case, 4, forks, tmp_path)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, f"{forks} work, 0 do not\n", ""), outcome
    assert set(reasons(outcome)) == {"none"}


@pytest.mark.parametrize("case", ["semaphore", "dups"])
def test_files_stay_what_they_are(case, tmp_path):
    outcome = looped(case, 4, 40, tmp_path)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "40 work, 0 do not\n", ""), outcome


def tried(case, threads, forks, tmp_path):
    """As a library of a package whose version the policy knows as tried."""
    packages = tmp_path / "site-packages"
    (packages / "loops").mkdir(parents=True)
    (packages / "loops-1.2.dist-info").mkdir()
    program = shutil.copy(support.host("carried_loop"), packages / "loops" / "carried_loop")
    table = tmp_path / "policy"
    table.write_text("runtime loops\n dso */carried_loop\n class lost\n carried 1.2\n")
    return support.run(
        [program, case, threads, forks],
        policy="carry",
        log=tmp_path / "log",
        isolated=True,
        env={"FORKPOLICY_FILE": str(table)},
    )


@pytest.mark.parametrize("case, forks", [("own_pair", 60), ("called_off", 30)])
def test_a_loop_of_a_tried_library(case, forks, tmp_path):
    """The child has a socketpair of its own; a loop that waits for a time finds out whether it has to."""
    outcome = tried(case, 4, forks, tmp_path)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, f"{forks} work, 0 do not\n", ""), outcome
    assert reasons(outcome) == ["none"] * forks


def test_a_loop_of_a_tried_library_waits_for_a_time(tmp_path):
    outcome = tried("timed", 4, 1, tmp_path)
    assert (outcome.stdout, reasons(outcome)) == ("0 work, 1 do not\n", ["timed"]), outcome


@pytest.mark.parametrize(
    "case, reason",
    [
        ("pipe", "files"),
        ("pair", "files"),
        ("foreign", "files"),
        ("timed", "timed"),
        ("task", "task"),
        ("many", "room"),
        ("no_kcmp", "kernel"),
    ],
)
def test_what_cannot_be_copied_is_not_carried(case, reason, tmp_path):
    outcome = looped(case, 4, 2, tmp_path)
    assert (outcome.status, outcome.stdout) == (0, "0 work, 2 do not\n"), outcome
    assert reasons(outcome) == [reason] * 2
    told = [line for line in outcome.said if "is not carried into the child" in line]
    assert len(told) == 1 and told[0].endswith('; it acts as "reset"'), outcome
    numbers = {each["descriptor"] for each in outcome.of("carry")}
    assert len(numbers) == 1 and (0 in numbers) == (reason != "files"), outcome
    assert (f"(descriptor {numbers.pop()})" in told[0]) == (reason == "files"), outcome


def test_a_child_that_can_open_nothing_says_so(tmp_path):
    """None of its threads is carried."""
    outcome = looped("no_number", 4, 1, tmp_path)
    assert (outcome.status, outcome.stdout) == (0, "0 work, 1 do not\n"), outcome
    assert outcome.said[0] == (
        "forkpolicy: no threads are carried into this child: it cannot open files of its own"
    )


def test_a_child_that_cannot_have_all_threads_has_none(tmp_path):
    """...and is told when it waits for them."""
    outcome = looped("no_room", 4, 2, tmp_path)
    assert (outcome.status, outcome.stdout) == (0, "0 work, 2 do not\n"), outcome
    assert outcome.said[0] == "forkpolicy: no threads are carried into this child: it cannot start as many"
    hangs = [(each["verdict"], each["fork"]["lost_threads"]) for each in outcome.of("hang")]
    assert hangs == [("proven", 4)] * 2, outcome
