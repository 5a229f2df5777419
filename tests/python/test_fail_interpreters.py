# SPDX-License-Identifier: Apache-2.0
"""fail in every CPython of the machine: each wait that Python has, and where the error goes."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

import support
from interpreters import ask_interpreter, debian_static
from python_jobs import JOBS, PACKAGE

JOB = JOBS / "primitives.py"
MARK = "  # waits"
FORK = "    child = os.fork()"  # which lost the thread


@dataclass(frozen=True)
class Wait:
    name: str
    installed: bool = False  # a library waits, not the program's own code
    function: str = ""  # that waits, if it is not called as the wait is

    def __str__(self):
        return f"{self.name}{'_in_library' if self.installed else ''}"


ENDED = [
    Wait("with_rlock", installed=True),
    Wait("with_rlock"),
    Wait("with_old_lock", installed=True),
    Wait("with_old_lock"),
    Wait("future_result"),
    Wait("nested_fork", function="future_result"),
]
# Nothing ties these to what was lost: a worker may sleep so until it is ended.
PARKED = [
    Wait("lock_acquire", installed=True),
    Wait("with_lock", installed=True),
    Wait("condition_wait", installed=True),
    Wait("event_wait", installed=True),
    Wait("lock_acquire"),
    Wait("condition_wait"),
    Wait("event_wait"),
    Wait("queue_get"),
    Wait("simple_queue_get"),
    Wait("barrier_wait"),
    Wait("thread_join"),
    Wait("thread_with_lock"),
]


def run(interpreter, *arguments, env=None, **settings):
    # From 3.12 on Python itself warns of forks with threads alive.
    return support.run(
        [interpreter, "-W", "ignore::DeprecationWarning", JOB, *arguments],
        env={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "", **(env or {})},
        **settings,
    )


def said(outcome):
    """What the job said: {word: the rest of the line}."""
    assert outcome.status == 0, outcome
    return dict(line.split(" ", 1) for line in outcome.stdout.splitlines())


def waiting(interpreter, wait, folder, limit=60, **settings):
    """The outcome of a wait; the file that holds it."""
    file = JOB
    if wait.installed:
        file = folder / "site-packages" / JOB.name
        file.parent.mkdir()
        shutil.copy(JOB, file)
    outcome = run(
        interpreter,
        wait.name,
        *([file.parent] if wait.installed else []),
        env={"PRIMITIVES_LIMIT": str(limit), "FORKPOLICY_OPTIONS": "hang_seconds=0.3"},
        **settings,
    )
    return outcome, file


def skip_if_missing(wait, interpreter):
    if wait.name == "simple_queue_get" and ask_interpreter(interpreter)[1] == "3.6":
        pytest.skip("no SimpleQueue before 3.7")


def line_of(text, function=None):
    """The number of the one line of the job that holds TEXT, or of the first in a function."""
    lines = JOB.read_text().splitlines()
    first = lines.index(f"def {function}(parent):") if function else 0
    return next(i for i, line in enumerate(lines[first:], first + 1) if text in line)


def check_record(record, wait, file):
    fork = record["fork"]["site"]["user"]
    assert fork == {"file": str(JOB), "line": line_of(FORK)}
    function = wait.function or wait.name
    number = line_of(MARK, function)
    frame = {"file": str(file), "line": number, "function": function}
    assert frame in record["python_stack"], record
    first = next(each for each in record["python_stack"] if each["file"] == str(file))
    assert first == frame


@pytest.mark.parametrize("wait", ENDED, ids=str)
def test_error_is_raised_at_the_line_that_waits(interpreter, wait, tmp_path):
    skip_if_missing(wait, interpreter)
    outcome, file = waiting(interpreter, wait, tmp_path, policy="fail", log=tmp_path / "log")
    assert said(outcome) == {"raised": "ForkPolicyError", "status": "3"}
    (record,) = outcome.of("hang")
    assert (record["verdict"], record["outcome"]) == ("proven", "raised")
    check_record(record, wait, file)


@pytest.mark.parametrize("wait", PARKED, ids=str)
def test_what_may_be_a_worker_at_rest_is_told_of_and_goes_on(interpreter, wait, tmp_path):
    skip_if_missing(wait, interpreter)
    outcome, _ = waiting(interpreter, wait, tmp_path, limit=3, policy="fail", log=tmp_path / "log")
    assert said(outcome) == {"status": "hung"}
    records = outcome.of("hang")
    assert records
    assert {(each["verdict"], each["reason"], each["outcome"]) for each in records} == {
        ("strong", "parked", "waits")
    }
    assert all(each["waiting"]["seconds"] >= 0.3 for each in records)


def test_thread_that_outlives_the_program(interpreter, tmp_path):
    outcome, _ = waiting(
        interpreter, Wait("joined_at_exit"), tmp_path, policy="fail", log=tmp_path / "log"
    )
    assert outcome.of("hang")[-1]["verdict"] == "proven"
    assert said(outcome)["status"] not in ("0", "hung")


def test_the_owner_is_known_by_the_thread_that_is_joined(interpreter, tmp_path):
    """Its frames are read where others' can be: Python 3.9 and later."""
    wait = Wait("joined_future")
    outcome, file = waiting(interpreter, wait, tmp_path, policy="fail", log=tmp_path / "log")
    if ask_interpreter(interpreter)[1] in ("3.6", "3.7", "3.8"):
        # The thread that waits for the executor ends the process by a proof of its own.
        assert said(outcome) == {"status": "70"}
        record = outcome.of("hang")[-1]
        assert (record["lost"]["name"], record["cause"]) == ("ThreadPoolExecutor", "line")
        return
    assert said(outcome) == {"raised": "ForkPolicyError", "status": "3"}
    (record,) = outcome.of("hang")
    check_record(record, wait, file)
    assert (record["lost"]["name"], record["cause"]) == ("ThreadPoolExecutor", "joined")
    assert record["python_stack"][-1]["function"] == "<module>"  # it is this thread's


HANGING = [*ENDED[:-1], *PARKED, Wait("joined_at_exit")]  # without the grandchild, which is left


@pytest.mark.parametrize("wait", HANGING, ids=str)
def test_bare(wait, tmp_path):
    interpreter = debian_static()
    if not interpreter:
        pytest.skip("no static CPython of Debian")
    outcome, _ = waiting(interpreter, wait, tmp_path, limit=0.5, preload=False)
    assert said(outcome) == {"status": "hung"}


@pytest.mark.parametrize("loader", ["CDLL", "PyDLL"])
def test_pool_gets_an_answer_for_a_task_that_waits_in_a_library(
    interpreter, loader, foreign_library, tmp_path
):
    """Its worker ends, and multiprocessing itself would not notice."""
    outcome = run(interpreter, "pool", foreign_library, loader, policy="fail", log=tmp_path / "log")
    kind, message = said(outcome)["raised"].split(" ", 1)
    assert kind == "RuntimeError" and foreign_library.name in message
    assert message.startswith("this child process can never go on: ")
    (record,) = outcome.of("hang")
    assert (record["verdict"], record["outcome"]) == ("proven", "exited")
    stack = record["python_stack"]
    assert {"file": str(JOB), "line": line_of("foreign_ask()"), "function": "ask"} in stack
    assert any(Path(each["file"]).name == "pool.py" for each in stack)


READER = """
import pickle, sys
for line in sys.stdin:
    error, kind = pickle.loads(bytes.fromhex(line.strip()))
    print(type(error).__module__, type(error).__name__, kind.__name__, error)
"""


def package_in(env):
    return {"PYTHONPATH": str(PACKAGE) if env else ""}


@pytest.mark.parametrize("sender", [False, True], ids=["no_package", "package"])
def test_error_and_its_class_can_be_pickled(interpreter, sender, tmp_path):
    """Whoever lacks the package reads a RuntimeError; so does everybody, if the child lacks it."""
    outcome = run(interpreter, "pickled", env=package_in(sender), policy="fail")
    pickles = [line[7:] for line in outcome.stdout.splitlines() if line.startswith("pickle ")]
    kind = "ForkPolicyError" if sender else "RuntimeError"
    assert said(outcome)["received"] == f"{kind} {kind}"
    assert len(pickles) >= 5 and "PicklingError" not in outcome.stderr
    (tmp_path / "pickles").write_text("\n".join(pickles))
    for reader in [True] if sender else [False, True]:
        for preload in [False, True]:
            with open(tmp_path / "pickles") as stdin:
                read = support.run(
                    [interpreter, "-c", READER],
                    env=package_in(reader),
                    preload=preload,
                    stdin=stdin,
                )
            assert read.status == 0 and len(read.stdout.splitlines()) == len(pickles), read
            module = "forkpolicy" if sender else "builtins"
            start = f"{module} {kind} {kind} this child process can never go on: "
            assert all(line.startswith(start) for line in read.stdout.splitlines()), read
