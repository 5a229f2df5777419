"""The watch in C programs: a wait that nobody can end is proven to be one, and no other is.

SPDX-License-Identifier: Apache-2.0
"""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

import support

# What hangs, and the call that it hangs in, or the calls of its two threads.
DEAD = {
    "mutex": {"pthread_mutex_lock"},
    "mutex_spinner": {"pthread_mutex_lock"},
    "mutex_sleeper": {"pthread_mutex_lock"},
    "cond": {"pthread_cond_wait"},
    "cond_after_nap": {"pthread_cond_wait"},
    "cond_by_clock": {"pthread_cond_wait"},
    "rdlock": {"pthread_rwlock_rdlock"},
    "wrlock": {"pthread_rwlock_wrlock"},
    "sem": {"sem_wait"},
    "two_sems": {"sem_wait"},
    "join": {"pthread_join", "sem_wait"},
    "barrier": {"pthread_barrier_wait"},
    "futex": {"syscall(futex)"},
    "futex_any": {"syscall(futex)"},
    "cond_signal": {"pthread_cond_signal"},
    "cond_broadcast": {"pthread_cond_broadcast"},
    "cond_destroy": {"pthread_cond_destroy"},
    "sem_after_cancels": {"sem_wait"},
}
WAITS = ["sem", "cond", "mutex", "rdlock", "wrlock", "join", "barrier", "futex", "futex_any"]
COMPANIES = [
    "nanosleep",
    "read",
    "poll",
    "shared_sem",
    "shared_futex",
    "timed_sem",
    "timed_cond",
    "timed_mutex",
    "timed_rwlock",
    "timed_join",
    "timed_futex",
    "timed_bitset",
    "sigwait",
    "waitpid",
    "timer",
    "chain",
]
FINE = [
    "shared_mutex",
    "shared_rwlock",
    "shared_cond",
    "shared_sem",
    "shared_futex",
    "shared_barrier",
    "handler_sem",
    "handler_term",
    "handler_int",
    "handler_alarm",
    "handler_eintr",
    "handler_futex",
    "handler_futex_eintr",
    "handler_cond",
    "handler_elsewhere",
    "handler_of_owner",
    "held_by_forker",
    "held_by_thread",
    "held_asleep",
    "made_anew",
    "recursive",
    "checked",
    "robust",
    "robust_end",
    "inheriting",
    "taken_over",
    "timed_sem",
    "timed_cond",
    "timed_mutex",
    "timed_rwlock",
    "timed_join",
    "timed_futex",
    "timed_bitset",
    "timed_loop",
    "cancel_sem",
    "cancel_cond",
    "cancel_join",
    "cancel_often",
    "join_cancelled",
    "cond_destroyed",
    "main_left",
]
# Every wait beside a sleeper, and a semaphore's beside every other company.
BESIDE = [f"{wait}_beside_nanosleep" for wait in WAITS] + [
    f"sem_beside_{company}" for company in COMPANIES[1:]
]
MODES = {
    "bare": {"preload": False},
    "fail": {"policy": "fail"},
    "warn": {"policy": "warn"},
    "abort": {"policy": "fail", "env": {"FORKPOLICY_OPTIONS": "on_proven=abort"}},
    "report": {"policy": "fail", "env": {"FORKPOLICY_OPTIONS": "on_proven=report"}},
}
BARE = 2  # seconds, after which what has not ended bare never will
LIMIT = 60  # seconds, for what is to end or to be told
AT_ONCE = 6  # they mostly sleep


def run_case(mode, case, log):
    limit = BARE if mode == "bare" and case in DEAD else LIMIT
    told = [log] if mode in ("warn", "report") else []
    return support.run(
        [support.host("dead_waits"), case, limit, *told],
        log=None if mode == "bare" else log,
        **MODES[mode],
    )


@pytest.fixture(scope="module")
def outcomes(request, tmp_path_factory):
    """Every selected run, some at the same time."""
    folder = tmp_path_factory.mktemp("watch")
    selected = [
        (item.callspec.params["mode"], item.callspec.params["case"])
        for item in request.session.items
        if item.parent is request.node and "outcomes" in item.fixturenames
    ]
    pool = ThreadPoolExecutor(AT_ONCE)
    yield {
        (mode, case): pool.submit(run_case, mode, case, folder / f"{mode}-{case}")
        for mode, case in selected
    }
    pool.shutdown(cancel_futures=True)


def cases_of(modes, cases):
    return pytest.mark.parametrize(
        "mode, case",
        [pytest.param(mode, case, id=f"{mode}-{case}") for mode in modes.split() for case in cases],
    )


def the_hang(outcome, case, ended):
    """The one record of a hang, which must be proven."""
    (hang,) = outcome.of("hang")
    assert (hang["verdict"], hang["outcome"]) == ("proven", ended), hang
    assert hang["waiting"]["call"] in DEAD[case], hang
    if case.startswith("mutex"):  # a lost thread's, whatever the living do
        assert (hang["reason"], hang["cause"]) == ("owner", "owner"), hang


def reports(outcome):
    """The first lines of what was said: the others are indented."""
    return [line for line in outcome.said if not line.startswith("forkpolicy:  ")]


def test_every_case_is_here():
    listed = support.run([support.host("dead_waits")], preload=False).stdout.splitlines()
    assert listed == [
        *(f"dead {case}" for case in DEAD),
        *(f"fine {case}" for case in FINE),
        *(f"wait {wait}" for wait in WAITS),
        *(f"company {company}" for company in COMPANIES),
    ]


@cases_of("bare", DEAD)
def test_hangs_bare(mode, case, outcomes):
    outcome = outcomes[mode, case].result()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "hung\n", ""), outcome


@cases_of("bare fail", FINE + BESIDE)
def test_ends_by_itself(mode, case, outcomes):
    outcome = outcomes[mode, case].result()
    assert (outcome.status, outcome.stdout) == (0, "fine\n"), outcome
    assert not [hang for hang in outcome.of("hang") if hang["verdict"] == "proven"], outcome.records
    assert mode == "bare" or outcome.of("fork")[0]["threads"] > 1  # there was a thread to lose


@cases_of("fail", DEAD)
def test_is_ended(mode, case, outcomes):
    outcome = outcomes[mode, case].result()
    assert (outcome.status, outcome.stdout) == (0, "status 70\n"), outcome
    the_hang(outcome, case, "exited")
    assert len(reports(outcome)) == 1, outcome


@cases_of("abort", DEAD)
def test_is_aborted(mode, case, outcomes):
    outcome = outcomes[mode, case].result()
    assert (outcome.status, outcome.stdout) == (0, "signal 6\n"), outcome
    the_hang(outcome, case, "aborted")


@cases_of("warn report", DEAD)
def test_is_only_told(mode, case, outcomes):
    outcome = outcomes[mode, case].result()
    assert (outcome.status, outcome.stdout) == (0, "hung\n"), outcome
    the_hang(outcome, case, "waits")
    assert len(reports(outcome)) == 1, outcome


@pytest.mark.parametrize("mode", ["bare", "fail"])
def test_threads_that_wait_for_each_other(mode, tmp_path):
    outcome = support.run(
        [support.host("watch_stress"), "seconds=3"],
        log=None if mode == "bare" else tmp_path / "log",
        **MODES[mode],
    )
    assert outcome.status == 0, outcome
    handoffs, long_waits = map(int, re.findall(r"\d+", outcome.stdout))
    assert handoffs > 1_000 and long_waits > 30, outcome
    assert not outcome.of("hang"), outcome.of("hang")


def late_library(library, tmp_path, seconds=3, **settings):
    folder = str(support.BUILD / "prog")
    return support.run(
        [support.host("late_library"), library, seconds],
        log=tmp_path / "log",
        env={"LD_LIBRARY_PATH": folder},
        **settings,
    )


@pytest.mark.parametrize("policy", ["warn", "fail"])
def test_the_parent_s_calls_stay_as_they_are(policy, tmp_path):
    """The slots are rewritten in the child alone, and a library that it loads is watched, too."""
    library = support.BUILD / "prog" / "liblate.so"
    seconds, end = (3, "hung") if policy == "warn" else (60, "status 70")
    outcome = late_library(library, tmp_path, seconds, policy=policy)
    assert set(outcome.stdout.splitlines()) == {"child changed", "parent unchanged", end}, outcome
    (hang,) = outcome.of("hang")
    assert hang["waiting"]["dso"] == str(library) and hang["verdict"] == "proven"


def test_off_leaves_the_child_as_it_is(tmp_path):
    library = support.BUILD / "prog" / "liblate.so"
    outcome = late_library(library, tmp_path, policy="off")
    assert sorted(outcome.stdout.splitlines()) == ["child unchanged", "hung", "parent unchanged"]


def test_a_library_loaded_by_name_is_not_watched(tmp_path):
    """The loader searches it as the caller's library says, so that the caller must be seen."""
    outcome = late_library("liblate.so", tmp_path, policy="fail")
    assert "hung" in outcome.stdout.splitlines() and not outcome.of("hang"), outcome


def test_a_handler_of_the_program_itself_is_named_by_its_path(tmp_path):
    """The loader has no name for the program, whose file is what a policy gives (uwsgi)."""
    policy = tmp_path / "exits.policy"
    policy.write_text("exits */exit_handler\n")
    env = {"FORKPOLICY_OPTIONS": "grace_seconds=0.2", "FORKPOLICY_FILE": str(policy)}
    outcome = support.run([support.host("exit_handler")], "fail", tmp_path / "log", env=env)
    reports = [(each["verdict"], each["reason"], each["outcome"]) for each in outcome.of("hang")]
    assert outcome.status == 70 and ("proven", "signal", "exited") in reports, outcome
