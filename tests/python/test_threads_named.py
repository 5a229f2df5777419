# SPDX-License-Identifier: Apache-2.0
"""Python threads by their names and by the lines that started them, and nothing that crashes."""

import re

import pytest

import support
from interpreters import ask_interpreter
from python_jobs import JOBS, POOLS, answer, is_python, run_job, source_line


def run(case, interpreter, foreign_library, tmp_path, **settings):
    # From 3.12 on Python itself warns of forks with threads alive.
    command = [
        interpreter,
        "-W",
        "ignore::DeprecationWarning",
        JOBS / "names.py",
        case,
        foreign_library,
    ]
    return support.run(command, env=dict(POOLS, TMPDIR=str(tmp_path)), **settings)


@pytest.fixture
def names(foreign_library, tmp_path):
    """Runs a case in the environment's own Python; gives what it said and its last record."""

    def run_case(case):
        outcome = run(
            case,
            support.environment_python("wheels"),
            foreign_library,
            tmp_path,
            log=tmp_path / "log",
            policy="warn",
        )
        assert outcome.stderr == ""
        return answer(outcome), outcome.of("fork")[-1]["runtimes"]

    return run_case


def test_one_runtime_for_each_line(names):
    seen, runtimes = names("plain")
    assert seen == {"threads": 4, "status": 9}
    assert [
        (runtime["names"], runtime["threads"], source_line(runtime["started"]))
        for runtime in runtimes
    ] == [
        ("first, second", 2, "thread.start()"),
        ("elsewhere", 1, "other.start()  # a line of its own"),
    ]


def test_many_threads_are_cut(names):
    seen, (runtime,) = names("many")
    assert runtime["threads"] == seen["threads"] - 1 == 50
    assert runtime["names"] == "thread 0, thread 1, thread 2, ..."


def test_forking_thread_is_not_lost(names):
    seen, (runtime,) = names("from_a_thread")
    assert seen["threads"] == 3
    assert (runtime["names"], runtime["threads"]) == ("waits", 1)


def test_standard_library(names):
    """Each by the table's name, the thread's own name and the user's line."""
    seen, runtimes = names("standard")
    rows = sorted(
        (runtime["name"] or "-", runtime["names"], source_line(runtime["started"]))
        for runtime in runtimes
    )
    assert [
        (name, re.sub(r"Thread-\d+", "Thread-N", thread), line) for name, thread, line in rows
    ] == [
        ("-", "Thread-N", "timer.start()"),
        ("-", "loop", "thread.start()"),
        ("QueueListener", "Thread-N (_monitor)", "listener.start()"),
        ("ThreadPoolExecutor", "ThreadPoolExecutor-0_0", "pool.submit(int).result()"),
        ("ThreadPoolExecutor", "mine_0", "named.submit(int).result()"),
        ("multiprocessing-queue", "QueueFeederThread", 'feeder.put("something")'),
    ]
    assert sum(runtime["threads"] for runtime in runtimes) + 1 == seen["threads"]


@pytest.mark.parametrize(
    "library, name, thread, file, text",
    [
        ("fsspec", "fsspec", "fsspecIO", "jobs/libraries.py", "fsspec.filesystem("),
        (
            "lancedb",
            "lancedb-loop",
            "LanceDBBackgroundEventLoop",
            "jobs/libraries.py",
            "import lancedb",
        ),
        (
            "executor",
            "ThreadPoolExecutor",
            "ThreadPoolExecutor-0_0, ThreadPoolExecutor-0_1",
            "jobs/libraries.py",
            "pool.submit(",
        ),
    ],
)
def test_libraries(library, name, thread, file, text, tmp_path):
    outcome = run_job("fork_once.py", library, policy="warn", log=tmp_path / "log", tmp=tmp_path)
    answer(outcome)
    (runtime,) = [
        runtime for runtime in outcome.of("fork")[0]["runtimes"] if runtime["name"] == name
    ]
    assert runtime["names"] == thread
    started, _, line = runtime["started"].rpartition(":")
    assert started.endswith(f"/{file}") and int(line) > 0
    assert text in source_line(runtime["started"])
    assert is_python(runtime["dso"])


# case: the Python from which on it can be run, and how many forks it makes
ROBUST = {
    "plain": ((3, 6), 1),
    "many": ((3, 6), 1),
    "hostile": ((3, 6), 1),
    "hostile_files": ((3, 6), 7),
    "odd_bookkeeping": ((3, 6), 4),
    "deep": ((3, 6), 1),
    "in_an_exception": ((3, 6), 2),
    "traced": ((3, 6), 1),
    "native": ((3, 6), 1),
    "native_forks": ((3, 6), 4),
    "sub_interpreter": ((3, 8), 1),
    "at_exit": ((3, 6), 1),
    "forks_in_threads": ((3, 6), 8),
    "generations": ((3, 6), 4),
    "from_a_thread": ((3, 6), 1),
}


@pytest.mark.parametrize("case", ROBUST)
def test_nothing_crashes(case, interpreter, foreign_library, tmp_path):
    """No sub-interpreter, no thread without the GIL, no name and no file: as without the shim."""
    since, forks = ROBUST[case]
    version = ask_interpreter(interpreter)[1]
    if tuple(int(part) for part in version.rstrip("t").split(".")) < since:
        pytest.skip(f"{case} cannot be had in Python {version}")
    outcomes = []
    for policy in [None, "warn", "refuse"]:
        folder = tmp_path / str(policy)
        folder.mkdir()
        log = folder / "log" if policy else None
        outcomes.append(
            run(
                case,
                interpreter,
                foreign_library,
                folder,
                policy=policy,
                log=log,
                preload=bool(policy),
            )
        )
    bare = outcomes.pop(0)
    assert bare.status == 0, bare
    for outcome in outcomes:
        assert outcome.status == 0, outcome
        assert outcome.stdout == bare.stdout
        if case != "sub_interpreter":  # whose child CPython leaves hanging: that may be told
            assert not outcome.said
        records = outcome.of("fork")
        if case == "at_exit":  # from 3.12 on Python refuses it, with an error of its own
            assert len(records) == bare.stdout.count("status")
        else:
            assert len(records) == forks
        for record in records:
            check_count(record, case)


def check_count(record, case):
    """All threads but the forking one; the main one has no owner where another one forks."""
    owned = sum(runtime["threads"] for runtime in record["runtimes"])
    if case in ("forks_in_threads", "generations", "native_forks", "from_a_thread"):
        assert record["threads"] - owned in (1, 2)
    else:
        assert record["threads"] - owned == 1
    assert record["unattributed"] == 0


def test_the_threads_of_billiards_pool_are_its_own(tmp_path):
    """They are started by its own class of threads, in another file than the pool's."""
    job = (
        "import os, billiard; pool = billiard.Pool(1); child = os.fork()\n"
        "if child: os.waitpid(child, 0)\n"
        "os._exit(0)"
    )
    command = [support.environment_python("celery"), "-c", job]
    outcome = support.run(command, policy="warn", log=tmp_path / "log", isolated=True)
    own = [runtime for runtime in outcome.of("fork")[-1]["runtimes"] if runtime["package"] == "billiard"]
    assert [(runtime["name"], runtime["kind"]) for runtime in own] == [("billiard", "pool handler")]
    assert sum(runtime["threads"] for runtime in own) >= 3
