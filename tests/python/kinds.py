# SPDX-License-Identifier: Apache-2.0
"""explain, asked about jobs of ten kinds, half of which hang: the verdict, the library, the line."""

import contextlib
import os
import re
import signal
import subprocess
import time

import pytest
import support
from python_jobs import JOBS, POOLS

HANGING, WORKING = JOBS / "kinds_hanging.py", JOBS / "kinds_working.py"
LIMIT = 60  # seconds
NOT_HERE = 77  # the exit status of a program that the machine has no means for
PATH = f"{support.environment_python('wheels').parent}:{os.environ['PATH']}"  # where py-spy is

LOST = "can never go on: it waits for threads lost in the fork"
ALL = r"a deadlock: all \d+ threads of pid \d+ wait for locks"
PAIR = r"pid \d+ and pid \d+ wait for each other"

# case: the headline, and words of the report.
HANGS = {
    "executor_in_child": (LOST, "for     ThreadPoolExecutor"),
    "executor_in_worker": (LOST, r"fork    \S+/kinds_hanging.py:\d+ in executor_in_worker, through multiprocessing/"),
    "lock_held": (LOST, "kinds_hanging.py"),
    "mutex_held": (LOST, "kinds_hanging.py"),
    "two_locks": (ALL, "fix     take the locks in the same order"),
    "two_mutexes": (ALL, r"a mutex that thread \d+ holds"),
    "queue_join": (ALL, r"fix     call task_done\(\)"),
    "queue_join_in_child": (r"can never go on", ""),
    "queue_get": ("a deadlock: the only thread", "fix     put one item more"),
    "consumers_joined": (ALL, "fix     put one item more"),
    "join_before_get": (PAIR, "fix     read from the pipe"),
    "wait_before_read": (PAIR, "fix     read from the pipe"),
    "both_read": (PAIR, r"reads an empty pipe, which pid \d+ could fill"),
    "own_end_open": (r"pid \d+ waits for itself", "fix     close the end of the pipe"),
    "condition": (ALL, r"fix     call notify\(\)"),
    "barrier": (ALL, ""),
    "polars_in_child": (LOST, "for     polars"),
    "torch_in_child": (LOST, "for     libgomp"),
    "loop_in_child": (LOST, "for     asyncio"),
    "loop_of_a_client": (LOST, r"for     asyncio(.*\n)*.*fork    \S+/kinds_hanging.py:\d+ in loop_of_a_client"),
}
WORKS = [
    "idle_pool",
    "idle_executor",
    "idle_loader",
    "pool_at_work",
    "serve_in_child",
    "serve_asyncio",
    "serve_in_threads",
    "scheduler",
    "timer",
    "threads_beside_signals",
    "threads_beside_a_handler",
    "parked",
    "parked_child",
    "fed_by_a_thread",
    "fed_by_a_process",
    "parent_computes",
    "event_of_the_parent",
    "waits_for_a_program",
    "reads_from_a_program",
    "ping_pong",
    "child_whose_main_thread_left",
    "child_by_the_file_system",
    "child_sends_a_signal",
    "parked_beside_a_server",
    "joins_beside_a_server",
]
SLOW = {"polars_in_child", "torch_in_child", "idle_loader"}  # to start


def clean_environment():
    variables = {**os.environ, **POOLS, "PATH": PATH}
    return {name: value for name, value in variables.items() if not name.startswith("FORKPOLICY")}


@contextlib.contextmanager
def started(command, **options):
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True, **options
    )
    try:
        if process.stdout.readline() != b"ready\n":
            assert process.wait(LIMIT) == NOT_HERE, command
            pytest.skip("not on this machine")
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def job(case, tmp_path):
    command = [support.environment_python("wheels"), HANGING if case in HANGS else WORKING, case]
    return started(command, env={**clean_environment(), "TMPDIR": str(tmp_path)})


def explain(pid, **options):
    command = [support.PROGRAM, "explain", str(pid)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT, env=clean_environment(), **options
    )


def line_of(case):
    lines = HANGING.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith(f"# here: {case}"))


def check_hang(case, tmp_path):
    headline, words = HANGS[case]
    with job(case, tmp_path) as pid:
        end = time.monotonic() + LIMIT
        while (done := explain(pid)).returncode != 3 and time.monotonic() < end:
            time.sleep(0.1)  # it takes its time to come to its wait
    report = done.stdout.partition("forkpolicy:   threads of pid")[0]
    assert done.returncode == 3, done
    assert re.search(headline, report) and re.search(words, report), report
    assert f"{HANGING}:{line_of(case)} in " in report, report


def check_is_no_hang(pid, **options):
    for _ in range(3):
        done = explain(pid, **options)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert not re.search("can never go on|deadlock|wait for each other|waits for itself", done.stdout), done.stdout
        time.sleep(0.1)


def check_works(case, tmp_path):
    with job(case, tmp_path) as pid:
        check_is_no_hang(pid)


def check_woken_unseen(way):
    """By another user than root, from whom root could hide nothing, where a process hides."""
    user = {"user": 65534} if way == "hidden" and os.geteuid() == 0 else {}
    with started([support.BUILD / "prog" / "woken_unseen", way], **user) as pid:
        check_is_no_hang(pid, **user)
