# SPDX-License-Identifier: Apache-2.0
"""The resets of Python's runtimes, without the shim: a job calls them before it forks.

`-k bare` shows that each case hangs, or fails, without them.
"""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

import support
from interpreters import ask_interpreter
from python_jobs import JOBS, PACKAGE, POOLS

JOB = JOBS / "resets.py"
SOON = 1.5  # seconds; what works takes milliseconds

EXECUTOR, ASYNCIO, LISTENER = "ThreadPoolExecutor", "asyncio", "QueueListener"
EVERYTHING = [EXECUTOR, ASYNCIO, LISTENER]

# case: the runtimes that are reset
STDLIB = {
    "executor": [EXECUTOR],
    "executor_tasks": [EXECUTOR],
    "executor_as_completed": [EXECUTOR],
    "executor_handed_over": [EXECUTOR],
    "executor_abandoned": [EXECUTOR],
    "executor_subclass": [EXECUTOR],
    "executor_priorities": [EXECUTOR],
    "executor_lock": [EXECUTOR],
    "executor_in_worker": [EXECUTOR],
    "executor_with_coroutine": None,  # forks by itself
    "loop_in_thread": [ASYNCIO],
    "loop_unused": [ASYNCIO],
    "loop_in_function": [ASYNCIO],
    "loop_in_subclass": [ASYNCIO],
    "loop_of_asyncio_run": [ASYNCIO],
    "loop_in_executor": [EXECUTOR, ASYNCIO],
    "loop_just_started": [ASYNCIO],
    "loop_in_main_thread": [EXECUTOR, ASYNCIO],
    "loop_tasks": [ASYNCIO],
    "loop_busy": [ASYNCIO],
    "loop_connection": [ASYNCIO],
    "loop_tls": [ASYNCIO],
    "loop_ends_in_child": [ASYNCIO],
    "loop_with_executor": [EXECUTOR, ASYNCIO],
    "listener": [LISTENER],
    "listener_simple_queue": [LISTENER],
    "listener_process": None,
    "listener_shared": [LISTENER],
    "several": EVERYTHING,
    "grandchild": EVERYTHING,
    "one_fails": EVERYTHING,
    "nothing": [],
}
WORK_BARE = ["loop_unused", "listener_shared", "nothing"]
IN_ANOTHER_THREAD = ["executor_in_worker", "loop_in_main_thread"]  # whose child cannot exit
CHEAP = ["executor", "loop_in_thread", "loop_with_executor", "several", "storm"]

LIBRARIES = {
    "fsspec_filesystem": ["fsspec"],
    "fsspec_uncached": ["fsspec"],
    "fsspec_new": ["fsspec"],
    "fsspec_file": ["fsspec"],
    "fsspec_stream": ["fsspec"],
    "fsspec_interrupted": ["fsspec"],
    "fsspec_read_ahead": [EXECUTOR, "fsspec"],
    "s3_filesystem": [EXECUTOR, "fsspec"],
    "s3_file": [EXECUTOR, "fsspec"],
}

# What is reported as not reset
LOST = {
    ("listener_shared", LISTENER): (
        "TypeError: its multiprocessing.queues.Queue is shared with the parent process, which "
        "handles the records of the child as well"
    ),
    ("one_fails", ASYNCIO): (
        "TypeError: reset_cases.together.one_fails.<locals>.Strange is none of asyncio's own loops"
    ),
}


@pytest.fixture(scope="module")
def python(interpreter):
    """A CPython that has audit events, and a GIL."""
    version = ask_interpreter(interpreter)[1]
    if version in ("3.6", "3.7") or version.endswith("t"):
        pytest.skip(f"no resets in CPython {version}")
    return interpreter


def run(python, mode, case, forks=1, limit=60, tmp=None, timeout=600):
    """What the job says of itself; its children and it must have been silent, but for that."""
    outcome = support.run(
        [python, "-W", "ignore", JOB, mode, case, forks],
        preload=False,
        env=dict(POOLS, RESETS_LIMIT=str(limit), **({"TMPDIR": str(tmp)} if tmp else {})),
        timeout=timeout,
    )
    assert outcome.status == 0, outcome
    assert mode.startswith("bare") or outcome.stderr == "", outcome
    return json.loads(outcome.stdout)


def check(said, case, runtimes, forks=1):
    assert said["children"] == ["answered"] * forks, said
    assert said["parent"] == "answered", said
    if runtimes is not None:
        errors = {name: error for name, _, error in said["reports"]}
        assert errors == {name: LOST.get((case, name)) for name in runtimes}, said
        assert len(said["reports"]) == len(errors)


def needs(case):
    if case == "loop_tls" and not shutil.which("openssl"):
        pytest.skip("no openssl on this machine")


def test_bare(python, tmp_path):
    """Without a reset, every case hangs or fails: in the child, or in the parent after it."""

    def outcome(case):
        said = run(python, "bare", case, limit=SOON, tmp=tmp_path)
        return case, said["children"] == ["answered"] and said["parent"] == "answered"

    cases = [case for case in STDLIB if case != "loop_tls"]
    with ThreadPoolExecutor(4) as pool:  # most of them only sleep
        works = [case for case, worked in pool.map(outcome, cases) if worked]
    assert works == WORK_BARE


@pytest.mark.parametrize("case", STDLIB)
def test_reset(python, case, tmp_path):
    needs(case)
    mode = "reset" if case in IN_ANOTHER_THREAD else "reset-exit"
    check(run(python, mode, case, tmp=tmp_path), case, STDLIB[case])


@pytest.mark.parametrize("case", CHEAP)
def test_hundred_forks(python, case, tmp_path):
    said = run(python, "reset", case, forks=100, tmp=tmp_path)
    check(said, case, STDLIB.get(case, [EXECUTOR, ASYNCIO]), forks=100)


def test_old_tasks(python, tmp_path):
    """Forks while the workers take old tasks from a long queue, and nobody gives the GIL away."""
    said = run(python, "reset", "backlog", forks=30, tmp=tmp_path)
    check(said, "backlog", [EXECUTOR], forks=30)


def test_embedded(python, tmp_path):
    """As the shim has them: texts, without the package."""
    check(run(python, "embedded-exit", "several", tmp=tmp_path), "several", EVERYTHING)


def test_cost_in_the_parent(python, tmp_path):
    """Hundred executors with four threads each."""
    said = run(python, "reset", "costs", forks=5, tmp=tmp_path)
    check(said, "costs", [EXECUTOR], forks=5)
    assert said["before"] < 2500  # microseconds of work, on a machine that does other things, too


USES_NOTHING = """
import os, sys
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
from forkpolicy import resets
resets.prepare("*", print)
child = os.fork()
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""


def test_imports_nothing_that_is_not_used(python):
    outcome = support.run([python, "-c", USES_NOTHING, PACKAGE], preload=False)
    assert (outcome.status, outcome.stderr) == (0, "")
    few = {"copyreg", "forkpolicy", "_forkpolicy", "threading", "functools", "collections"}
    few |= {"_weakrefset", "reprlib", "keyword", "operator", "_operator", "_functools"}
    few |= {"_collections", "_collections_abc", "_datetime", "gc", "heapq", "_heapq", "itertools"}
    few |= {"types", "time", "_thread"}
    assert set(outcome.stdout.split()) <= few


CHOOSES = """
import asyncio, os, sys, threading
from concurrent.futures import ThreadPoolExecutor, TimeoutError
sys.path.insert(0, sys.argv[1])
from forkpolicy import resets

pool, loop = ThreadPoolExecutor(1), asyncio.new_event_loop()
pool.submit(int).result()
threading.Thread(target=loop.run_forever, daemon=True).start()
told = []
fails = sys.argv[2:] == ["fails"]

def report(*said):
    told.append(said)
    if fails:
        raise ValueError("nobody listens")

async def nothing():
    pass

asyncio.run_coroutine_threadsafe(nothing(), loop).result()
resets.prepare("asyncio", report)
for prepared in (True, False):
    child = os.fork()
    if child == 0:
        assert [(name, error) for name, _, error in told] == [("asyncio", None)] * prepared
        for name, future in [
            ("executor", pool.submit(int)),
            ("loop", asyncio.run_coroutine_threadsafe(nothing(), loop)),
        ]:
            try:
                future.result(1)
                print(name, "answers", flush=True)
            except TimeoutError:
                print(name, "hangs", flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
os._exit(0)
"""


@pytest.mark.parametrize("report", ["listens", "fails"])
def test_only_what_is_named_and_once(python, report):
    """The runtimes that are named, for the one fork that was prepared."""
    outcome = support.run([python, "-W", "ignore", "-c", CHOOSES, PACKAGE, report], preload=False)
    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.stdout.splitlines() == [
        "executor hangs",
        "loop answers",
        "executor hangs",
        "loop hangs",
    ]


@pytest.mark.parametrize("case", LIBRARIES)
def test_library_bare(case, tmp_path):
    """The child has an error or hangs, or its exit leaves the parent hanging."""
    python = support.environment_python("resets")
    said = run(python, "bare-exit", case, limit=8, tmp=tmp_path)
    assert said["children"] != ["answered"] or said["parent"] == "hung", said
    if case == "fsspec_new":
        assert said == {**said, "children": ["answered"], "parent": "hung"}


@pytest.mark.parametrize("mode", ["reset", "reset-exit"])
@pytest.mark.parametrize("case", LIBRARIES)
def test_library(case, mode, tmp_path):
    python = support.environment_python("resets")
    check(run(python, mode, case, limit=60, tmp=tmp_path), case, LIBRARIES[case])


@pytest.mark.parametrize("case", ["fsspec_filesystem", "fsspec_new"])
def test_library_again_and_again(case, tmp_path):
    python = support.environment_python("resets")
    said = run(python, "reset-exit", case, forks=20, limit=60, tmp=tmp_path)
    check(said, case, LIBRARIES[case], forks=20)


def test_lancedb_before_its_first_use(tmp_path):
    python = support.environment_python("wheels")
    assert run(python, "bare", "lancedb_imported", limit=5, tmp=tmp_path)["children"] == ["hung"]
    said = run(python, "reset", "lancedb_imported", limit=60, tmp=tmp_path)
    check(said, "lancedb_imported", ["lancedb-loop"])


def test_lancedb_that_cannot_be_reset(tmp_path):
    """Its Rust runtime is lost: that is said, and the child is left as it is."""
    said = run(support.environment_python("wheels"), "reset", "lancedb_used", limit=5, tmp=tmp_path)
    ((name, _, error),) = said["reports"]
    assert name == "lancedb-loop" and "Rust runtime" in error
    assert said["children"] == ["hung"]
