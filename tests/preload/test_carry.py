"""carry: the idle threads of a C pool go on working in forked children, or are surely not carried.

SPDX-License-Identifier: Apache-2.0
"""

import re

import pytest

import support

pytestmark = pytest.mark.skipif(
    not support.CARRIES, reason="threads are carried on x86-64 with glibc 2.34 to 2.43"
)

KINDS = ["cond", "sem", "futex"]
LIMITED = ["cond_until", "cond_clock", "sem_until", "sem_clock", "futex_until", "futex_while"]
POLICY = "carry:*/carried"


def carried(case, kind, threads, forks, tmp_path, policy=POLICY, env=None):
    return support.run(
        [support.host("carried"), case, kind, threads, forks],
        policy=policy,
        log=tmp_path / "log",
        isolated=True,
        env=env,
    )


def elsewhere(where, command, policy, tmp_path):
    """On a machine that libcarried_elsewhere.so makes of this one."""
    return support.run(
        command,
        policy=policy,
        log=tmp_path / "log",
        isolated=True,
        env={
            "ELSEWHERE": where,
            "LD_PRELOAD": f"{support.LIBRARY} {support.host('libcarried_elsewhere.so')}",
        },
    )


def told(outcome):
    return [line for line in outcome.said if "is not carried into the child" in line]


def all_work(outcome, forks):
    assert outcome.status == 0, outcome
    assert outcome.stdout.splitlines()[-1] == f"{forks} work, 0 do not", outcome
    assert not outcome.stderr, outcome


@pytest.mark.parametrize("kind", KINDS)
def test_the_child_needs_it(kind, tmp_path):
    outcome = carried("works", kind, 2, 2, tmp_path, policy="fail")
    assert outcome.stdout.splitlines()[-1] == "0 work, 2 do not", outcome


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("threads, forks", [(2, 200), (8, 200), (64, 60)])
def test_a_pool_works_in_the_child(kind, threads, forks, tmp_path):
    """...which joins its threads, and starts others."""
    outcome = carried("works", kind, threads, forks, tmp_path)
    all_work(outcome, forks)
    records = outcome.of("carry")
    assert len(records) == forks and {record["reason"] for record in records} == {"none"}
    assert {record["threads"] for record in records} == {threads}
    assert not outcome.of("hang")


@pytest.mark.parametrize("kind", LIMITED)
@pytest.mark.parametrize("case, forks", [("works", 60), ("kept", 20), ("deep", 10), ("handed", 100)])
def test_a_pool_that_waits_with_a_time_limit(case, forks, kind, tmp_path):
    all_work(carried(case, kind, 4, forks, tmp_path), forks)


@pytest.mark.parametrize("kind", LIMITED)
def test_a_time_limit_stays_what_it_is(kind, tmp_path):
    """What began 1.5 s before the fork, and ends 2 s after it began, does so in the child, too."""
    outcome = support.run(
        [support.host("carried_limits"), kind], policy="carry:*/carried_limits", log=tmp_path / "log", isolated=True
    )
    assert outcome.status == 0 and not outcome.stderr, outcome
    assert [each["reason"] for each in outcome.of("carry")] == ["none"], outcome
    ends = [int(line.split()[-1]) for line in outcome.stdout.splitlines()]
    assert len(ends) == 2 and all(2000 <= end < 3400 for end in ends), outcome


@pytest.mark.parametrize("kind", ["sem_until", "sem_clock", "futex_until", "futex_while"])
def test_a_time_limit_that_comes_during_the_fork(kind, tmp_path):
    """...wakes nobody: the wait is over in both processes."""
    outcome = support.run(
        [support.host("carried_limits"), kind, "late"],
        policy="carry:*/carried_limits",
        log=tmp_path / "log",
        isolated=True,
        env={"LD_PRELOAD": f"{support.LIBRARY} {support.host('libcarried_help.so')}"},
    )
    assert outcome.status == 0 and not outcome.stderr, outcome
    assert [each["reason"] for each in outcome.of("carry")] == ["none"], outcome
    ends = [int(line.split()[-1]) for line in outcome.stdout.splitlines()]
    assert len(ends) == 2 and all(2300 <= end < 4500 for end in ends), outcome


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case, forks", [("kept", 50), ("deep", 30), ("grown", 30), ("handed", 300)])
def test_the_threads_are_the_same(case, forks, kind, tmp_path):
    all_work(carried(case, kind, 4, forks, tmp_path), forks)


@pytest.mark.parametrize("kind", ["futex", "futex_until"])
def test_a_futex_that_others_were_woken_at(kind, tmp_path):
    """Rust's conditions count, and wake one of the threads that sleep there."""
    all_work(carried("unwoken", kind, 4, 60, tmp_path), 60)


def test_a_thread_wakes_others_before_it_sleeps(tmp_path):
    """None that is in the midst of waking up passes for asleep: 1 fork in 2,000 had carried none for that."""
    outcome = carried("stirred", "futex", 8, 1500, tmp_path)
    all_work(outcome, 1500)
    assert {record["reason"] for record in outcome.of("carry")} == {"none"}


def test_signals_break_in(tmp_path):
    """A thread that a handler runs on is waited for, or the fork carries none: never half a pool."""
    for kind in ("cond", "sem"):
        outcome = carried("signals", kind, 4, 150, tmp_path)
        assert outcome.status == 0, outcome
        assert len([each for each in outcome.of("carry") if each["reason"] != "none"]) < 75, outcome
        assert "bad" not in outcome.stdout, outcome


def test_parent_stays_flat(tmp_path):
    outcome = carried("flat", "cond", 8, 400, tmp_path)
    all_work(outcome, 400)
    assert "memory flat, descriptors flat" in outcome.stdout, outcome


def test_children_are_killed_in_the_midst(tmp_path):
    outcome = carried("killed", "cond", 8, 200, tmp_path)
    assert outcome.status == 0 and not outcome.stderr, outcome


def test_the_forking_thread_has_the_lock(tmp_path):
    """Threads that want it at that moment are not at rest; those that are take it in the child."""
    outcome = carried("held", "cond", 4, 20, tmp_path)
    assert outcome.status == 0 and "bad" not in outcome.stdout, outcome
    assert {each["reason"] for each in outcome.of("carry")} <= {"none", "runs", "lock", "pending"}


def test_two_threads_fork_at_once(tmp_path):
    """They are of the pool's own program: whoever forks beside the other has no pool, and is told."""
    outcome = carried("at_once", "cond", 2, 5, tmp_path)
    assert outcome.status == 0 and "bad" not in outcome.stdout, outcome
    reasons = [each["reason"] for each in outcome.of("carry")]
    assert len(reasons) == 10 and {"inside"} <= set(reasons), reasons
    works = int(outcome.stdout.splitlines()[-1].split()[0])
    assert works <= reasons.count("none"), outcome


@pytest.mark.parametrize(
    "case, kind, reason",
    [
        ("others", "cond", "runs"),  # the program's own, as the pool's are
        ("raw", "cond", "others"),
        ("runs", "cond", "runs"),
        ("task", "cond", "task"),
        ("inside", "cond", "inside"),
        ("shared", "cond", "shared"),
        ("shared", "futex", "shared"),
        ("recursive", "cond", "lock"),
        ("robust", "cond", "robust"),
        ("stack", "cond", "stack"),
        ("handlers", "cond", "handlers"),
    ],
)
def test_what_is_not_at_rest_is_not_carried(case, kind, reason, tmp_path):
    """It acts as `reset`, and so as `fail`: the child ends at once. Said once, recorded each time."""
    forks = 1 if case == "inside" else 2
    outcome = carried(case, kind, 4, forks, tmp_path)
    assert outcome.status == 0, outcome
    assert outcome.stdout.splitlines()[-1] == f"0 work, {forks} do not", outcome
    assert [each["reason"] for each in outcome.of("carry")] == [reason] * forks
    assert len(told(outcome)) == 1 and told(outcome)[0].endswith('; it acts as "reset"'), outcome
    assert len(outcome.of("hang")) == forks


@pytest.mark.parametrize("kind", KINDS)
def test_a_thread_that_sleeps_elsewhere_than_at_the_fork_before(kind, tmp_path):
    """Where nobody has slept since, a thread that sleeps is in the same wait: not in a handler that broke in."""
    outcome = carried("handled", kind, 4, 2, tmp_path)
    assert outcome.stdout.splitlines()[-1] == "1 work, 1 do not", outcome
    assert [each["reason"] for each in outcome.of("carry")] == ["none", "runs"], outcome


def test_a_crash_is_not_put_down_to_threads_that_came_along(tmp_path):
    outcome = carried("crashes", "cond", 4, 3, tmp_path)
    assert outcome.stdout == "0 work, 3 do not\n" and not outcome.stderr, outcome
    assert not outcome.of("crash") and [each["reason"] for each in outcome.of("carry")] == ["none"] * 3


@pytest.mark.parametrize("case, reason", [("woken", "woken"), ("starting", "starting")])
def test_others_break_in(case, reason, tmp_path):
    """A handler of another library wakes a thread when all have been looked at, or one has yet to begin."""
    env = {"LD_PRELOAD": f"{support.LIBRARY} {support.host('libcarried_help.so')}"}
    forks = {"woken": 100, "starting": 2}[case]  # a thread that has just taken its signal was missed 1 time in 14
    outcome = carried(case, "cond", 4, forks, tmp_path, env=env)
    assert outcome.status == 0, outcome
    assert outcome.stdout.splitlines()[-1] == f"0 work, {forks} do not", outcome
    assert [each["reason"] for each in outcome.of("carry")] == [reason] * forks, outcome


def test_what_was_lost_stays_lost(tmp_path):
    """In a child that lost the pool, a thread of the same library is not carried, either."""
    outcome = carried("lost", "cond", 4, 1, tmp_path)
    assert [each["reason"] for each in outcome.of("carry")] == ["handlers", "lost"], outcome
    assert told(outcome)[1].endswith(
        "is not carried into the child: this process lost threads of it when it was forked; it acts as \"reset\""
    ), outcome


def test_another_library_forks_meanwhile(tmp_path):
    env = {"LD_PRELOAD": f"{support.LIBRARY} {support.host('libcarried_help.so')}"}
    outcome = carried("busy", "cond", 4, 10, tmp_path, env=env)
    assert {each["reason"] for each in outcome.of("carry")} == {"busy", "runs"}, outcome
    assert any(
        each.endswith('is not carried into the child: another thread forks; it acts as "reset"')
        for each in told(outcome)
    ), outcome


@pytest.mark.parametrize("which", range(4))
def test_threads_that_cannot_be_started_have_ended(which, tmp_path):
    """Some have been, and have ended, when libc is told that all of them have: none is waited for, none counts."""
    outcome = support.run(
        [support.host("carried_abandoned"), which],
        policy="carry:*/carried_abandoned",
        log=tmp_path / "log",
        isolated=True,
    )
    assert (outcome.status, outcome.stdout) == (0, "ended\nthe child ended with 0\n"), outcome
    assert outcome.said == ["forkpolicy: no threads are carried into this child: it cannot start as many"]


@pytest.mark.parametrize(
    "where, why",
    [
        ("libc", "the libc is not glibc 2.34 to 2.43, or keeps its threads otherwise"),
        ("shadow", "the processor keeps a shadow stack for each thread"),
    ],
)
def test_where_threads_cannot_be_carried(where, why, tmp_path):
    """One line says so, where the policy stands, and `carry` acts as `reset`."""
    outcome = elsewhere(where, [support.host("carried"), "killed", "cond", 2, 2], POLICY, tmp_path)
    assert outcome.status == 0 and not outcome.of("carry"), outcome
    assert outcome.said == [f'forkpolicy: FORKPOLICY:1:1: "carry" cannot be done here, {why}; it acts as "reset"']


def test_an_event_loop_has_something_to_do(tmp_path):
    outcome = elsewhere("pending", [support.host("carried_loop"), "unread", 2, 1], "carry:*/carried_loop", tmp_path)
    assert [each["reason"] for each in outcome.of("carry")] == ["pending"], outcome
    assert re.search(
        r'not carried into the child: a thread has been woken, and has work to do \(thread \d+\); it acts as "reset"$',
        told(outcome)[0],
    ), outcome


def test_the_forking_thread_loses_the_processor_at_each_call(tmp_path):
    """...as under strace, where the fork had never come."""
    outcome = elsewhere("traced", [support.host("carried"), "works", "cond", 4, 20], POLICY, tmp_path)
    all_work(outcome, 20)
    assert [each["reason"] for each in outcome.of("carry")] == ["none"] * 20, outcome


def test_a_library_that_waits_elsewhere(tmp_path):
    """...calls none of the functions in which a thread could be found."""
    program = [support.host("carried"), "killed", "cond", 2, 2]
    outcome = elsewhere("slots", program, "carry:*/libcarried_elsewhere.so", tmp_path)
    assert [each["reason"] for each in outcome.of("carry")] == ["slots"] * 2, outcome
    assert told(outcome)[0].endswith(
        'not carried into the child: its library calls libc where nothing can be put between; it acts as "reset"'
    ), outcome


@pytest.mark.parametrize("policy", ["carry", "reset", "warn", "off", "carry:other"])
def test_what_is_not_named_is_left_alone(policy, tmp_path):
    """A bare `carry` is for what known.policy lists at its version."""
    outcome = carried("killed", "cond", 2, 3, tmp_path, policy=policy)
    assert outcome.status == 0 and not outcome.of("carry"), outcome
    assert not [line for line in outcome.said if "carr" in line.replace("/carried", "")], outcome


def test_report_counts(tmp_path):
    carried("works", "cond", 2, 3, tmp_path)
    carried("raw", "cond", 2, 1, tmp_path)
    outcome = support.run([support.PROGRAM, "report", tmp_path / "log"], preload=False)
    line = next(line for line in outcome.stdout.splitlines() if line.startswith("carry "))
    assert ": 4 times, " in line and "1 failed: the process has other threads" in line, outcome


def test_check_tells():
    outcome = support.run([support.PROGRAM, "check", "true"], preload=False)
    assert "carry      can be done here" in outcome.stdout.splitlines(), outcome


def test_a_pool_of_cxx(tmp_path):
    outcome = support.run(
        [support.host("carried_cxx"), 8, 100], policy="carry:*/carried_cxx", log=tmp_path / "log", isolated=True
    )
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "bad 0\n", ""), outcome
