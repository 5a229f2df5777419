# SPDX-License-Identifier: Apache-2.0
"""Under `fail`, whatever does well bare does as well: no wait that can end is called a proven hang."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from python_jobs import run_job

PROGRAMS = [
    "pool",
    "executor",
    "mp_queue",
    "mp_locks",
    "manager",
    "loader_persistent",
    "loader_idle",
    "pipe_fed",
    "asyncio_executor",
    "thread_pool",
    "queue_and_thread",
    "timer_pipe",
    "timer_event",
    "timeout_loop",
    "ping_pong",
    "subprocess_in_child",
    "nested",
    "lock_handed_on",
    "last_thread",
]
# Only a signal ends these waits, so that "strong" is a fair thing to say.
ENDED_BY_A_SIGNAL = [
    "event_sigusr1",
    "event_sigint",
    "event_sigterm",
    "event_sigalrm",
    "event_interrupted",
    "event_until_killed",
    "paused",
    "paused_until_killed",
    "ctypes_interrupted",
    "native_interrupted",
    "native_handler",
]
AT_ONCE = 4  # they mostly sleep


def run_program(name, folder, policy=None, env=None):
    folder.mkdir()
    return run_job(
        "legitimate.py",
        name,
        policy=policy,
        preload=policy is not None,
        log=folder / "log" if policy else None,
        env=env,
        tmp=folder,
    )


def fail_early(name, folder):
    return run_program(name, folder, "fail", {"FORKPOLICY_OPTIONS": "hang_seconds=1"})


def check(name, bare, outcome):
    """That a program did as well as without the shim, and what may have been said of its waits."""
    assert bare.status == 0 and bare.stdout.strip(), bare
    assert (outcome.status, outcome.stdout) == (bare.status, bare.stdout), outcome
    assert any(fork["threads"] > 1 for fork in outcome.of("fork"))  # there was a thread to lose
    verdicts = {"suspected", "strong"} if name in ENDED_BY_A_SIGNAL else {"suspected"}
    for hang in outcome.of("hang"):
        assert hang["outcome"] == "waits" and hang["verdict"] in verdicts, hang


@pytest.fixture(scope="module")
def outcomes(request, tmp_path_factory):
    """(bare, under `fail`) of each selected program, some at the same time."""
    folder = tmp_path_factory.mktemp("legitimate")
    names = [
        item.callspec.params["name"]
        for item in request.session.items
        if item.parent is request.node
    ]
    pool = ThreadPoolExecutor(AT_ONCE)
    runs = {
        name: (
            pool.submit(run_program, name, folder / f"{name}-bare"),
            pool.submit(fail_early, name, folder / f"{name}-fail"),
        )
        for name in names
    }
    yield runs
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", PROGRAMS + ENDED_BY_A_SIGNAL)
def test_does_as_well(name, outcomes):
    bare, outcome = outcomes[name]
    check(name, bare.result(), outcome.result())
