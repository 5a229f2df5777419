# SPDX-License-Identifier: Apache-2.0
"""Under `reset` child after child uses the runtimes of Python libraries, and the parent works on.

Where a child exits as Python does, finalizers run in it, too. What takes longer: tests/soak.
"""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import pytest

from python_jobs import answer, run_job

FORKS = 100
SOON = 8  # seconds; what works takes milliseconds
UNSAFE = "raised RuntimeError: This class is not fork-safe"

EXECUTOR, ASYNCIO, LISTENER, FSSPEC = "ThreadPoolExecutor", "asyncio", "QueueListener", "fsspec"

# The case of jobs/resets.py: how its child and then its parent do bare, and what is reset.
TABLE = {
    "executor": ("hung", "answered", [EXECUTOR]),
    "loop_in_thread": ("hung", "answered", [ASYNCIO]),
    "listener_used": ("hung", "answered", [LISTENER]),
    "fsspec_filesystem": (UNSAFE, "hung", [FSSPEC]),
    "fsspec_in_turn": ("answered", "hung", [FSSPEC]),  # a new filesystem, collected before the exit
    "fsspec_file": ("hung", "answered", [FSSPEC]),
    "fsspec_stream": ("hung", "answered", [FSSPEC]),  # its answer is an error: that is the parent's
    "s3_filesystem": (UNSAFE, "answered", [EXECUTOR, FSSPEC]),
    "s3_file": (UNSAFE, "answered", [EXECUTOR, FSSPEC]),
    "s3_new": ("answered", "answered", [EXECUTOR, FSSPEC]),  # works bare, too
}
FEW = {"s3_new": 10}  # its session takes a third of a second


def run(mode, case, forks, limit, tmp_path, **settings):
    outcome = run_job(
        "resets.py",
        mode,
        case,
        forks,
        environment="resets",
        env={"RESETS_LIMIT": str(limit)},
        tmp=tmp_path,
        timeout=600,
        **settings,
    )
    return answer(outcome), outcome


def check_bare(case, limit, tmp_path):
    said, _ = run("bare-exit", case, 1, limit, tmp_path, preload=False)
    child, parent, _ = TABLE[case]
    assert (said["children"], said["parent"]) == ([child], parent), (case, said)


def check(mode, case, forks, tmp_path):
    said, outcome = run(mode, case, forks, 60, tmp_path, policy="reset", log=tmp_path / "log")
    assert said["children"] == ["answered"] * forks and said["parent"] == "answered", said
    assert outcome.stderr == "", outcome
    assert {each["event"] for each in outcome.records} <= {"fork", "reset", "sever"}
    times = defaultdict(list)
    for each in outcome.of("reset"):
        assert each["error"] is None, each
        times[each["function"]].append(each["microseconds"])
    _, _, runtimes = TABLE[case]
    assert {name: len(each) for name, each in times.items()} == dict.fromkeys(runtimes, forks)
    print(case, {name: f"{median(each)} us" for name, each in times.items()})
    # The least: a machine that does much else delays the others.
    assert all(min(each) < 20_000 for each in times.values())


def test_bare(tmp_path):
    with ThreadPoolExecutor(4) as pool:  # most of them only sleep
        for done in [pool.submit(check_bare, case, SOON, tmp_path) for case in TABLE]:
            done.result()


@pytest.mark.parametrize("case", TABLE)
def test_children_work(case, tmp_path):
    mode = "shim-exit" if case == "fsspec_in_turn" else "shim"
    check(mode, case, FEW.get(case, FORKS), tmp_path)
