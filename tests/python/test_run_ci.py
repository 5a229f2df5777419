# SPDX-License-Identifier: Apache-2.0
"""run --ci: a job that hangs is ended with status 70, all its processes, and its log tells why."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

import support
from ci_runs import LIMIT, PROGRAM, check_brief, left_over, run_ci
from python_jobs import JOBS, source_line
from test_fail import CASES, check_owner, is_own

HANG_SECONDS = 2


# A "strong" one may be a worker at rest: the job is left alone.
@pytest.mark.parametrize("case", [case for case in CASES if case.grade != "strong"], ids=str)
def test_ended(case, tmp_path):
    mark = f"mark-{os.getpid()}-{case.name}"
    python = support.environment_python(case.environment)
    status, stdout, stderr, records = run_ci(
        [python, JOBS / "hanging.py", case.name],
        tmp_path,
        "--options",
        f"hang_seconds={HANG_SECONDS}",
        env={"HANGING_LIMIT": "600", "MARK": mark},  # long after the job is to be ended
    )
    assert status == 70, (stdout, stderr)
    assert left_over(mark) == []
    hang = next(each for each in records if each["event"] == "hang")
    assert hang["verdict"] == case.grade and hang["outcome"] == "waits"
    lost = hang["lost"]
    if case.name != "zarrs":  # whose main thread waits for an executor that waits for zarrs
        check_owner(lost, case)
    assert lost["dso"] and (lost["advice"] or is_own(lost))
    fork = hang["fork"]["site"]["user"]
    assert source_line(f"{fork['file']}:{fork['line']}") == case.fork
    at = hang["waiting"]["site"]["user"]
    if case.line:
        assert case.line in source_line(f"{at['file']}:{at['line']}")
    brief = check_brief(stderr)
    assert brief[0].startswith(f"forkpolicy: job ended: child {hang['pid']} ")
    assert f"where   {at['file']}:{at['line']}" in brief[1] or not case.line
    report = Path(brief[-1].split()[-1]).read_text()
    assert f"pid {hang['pid']} (" in report and " thread " in report


FINE = [
    (["sh", "-c", "echo out; echo err >&2; exit 3"], 3),
    (["sh", "-c", "kill -9 $$"], 137),
    (["sh", "-c", "sleep 0.1 & exit 0"], 0),
    (["/does/not/exist"], 127),
]


@pytest.mark.parametrize("command, expected", FINE)
def test_a_job_that_ends_keeps_its_status(command, expected, tmp_path):
    status, stdout, stderr, _ = run_ci(command, tmp_path)
    assert status == expected, stderr
    if "out" in " ".join(command):
        assert (stdout, stderr) == ("out\n", "err\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_signals_are_handed_on(number, tmp_path):
    script = f"trap 'echo got; exit 5' {number.value}; echo ready; while :; do sleep 0.05; done"
    job = subprocess.Popen(
        [PROGRAM, "run", "--ci", "--", "sh", "-c", script], stdout=subprocess.PIPE, text=True
    )
    try:
        assert job.stdout.readline() == "ready\n"
        job.send_signal(number)
        assert job.communicate(timeout=LIMIT)[0] == "got\n" and job.returncode == 5
    finally:
        job.kill()


def test_an_orphan_that_hangs_is_ended_too(tmp_path):
    mark = f"mark-{os.getpid()}-orphan"
    script = tmp_path / "orphans.py"
    script.write_text(
        "import os\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "pool = ThreadPoolExecutor(1); pool.submit(int).result()\n"
        "reader, writer = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    if os.fork() == 0:\n"
        "        pool.submit(int).result()\n"
        "    os._exit(0)\n"
        "os.wait(); os.close(writer); os.read(reader, 1)\n"
    )
    python = support.environment_python("wheels")
    status, _, stderr, _ = run_ci([python, script], tmp_path, env={"MARK": mark})
    assert status == 70, stderr
    assert left_over(mark) == []


@pytest.mark.parametrize("left, expected", [("pool.submit(int).result()", 70), ("time.sleep(5)", 4)])
def test_what_a_job_leaves_behind_is_ended_where_it_hangs(left, expected, tmp_path):
    script = tmp_path / "leaves.py"
    script.write_text(
        "import os, time\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "pool = ThreadPoolExecutor(1); pool.submit(int).result()\n"
        "if os.fork() == 0:\n"
        f"    time.sleep(0.3); {left}\n"
        "    os._exit(0)\n"
        "os._exit(4)\n"
    )
    mark = f"mark-{os.getpid()}-left"
    command = [support.environment_python("wheels"), script]
    status, _, stderr, _ = run_ci(command, tmp_path, env={"MARK": mark})
    assert status == expected, stderr
    assert expected != 70 or left_over(mark) == []


def test_a_worker_that_sleeps_until_it_is_killed_is_left_alone(tmp_path):
    script = tmp_path / "parked.py"
    script.write_text(
        "import os, signal, threading, time\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "pool = ThreadPoolExecutor(1); pool.submit(int).result()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    threading.Event().wait()\n"
        "time.sleep(12)\n"
        "os.kill(child, signal.SIGKILL); os.wait(); print('fine')\n"
    )
    command = [support.environment_python("wheels"), script]
    status, stdout, stderr, _ = run_ci(command, tmp_path, "--options", "hang_seconds=1")
    assert (status, stdout) == (0, "fine\n"), stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a PID namespace of its own")
@pytest.mark.parametrize("case, expected", [("exit 3", 3), ("hang", 70)])
def test_it_works_as_the_first_process(case, expected, tmp_path):
    hang = "import os; from concurrent.futures import ThreadPoolExecutor as T; p = T(1); "
    hang += "p.submit(int).result(); c = os.fork(); c or p.submit(int).result(); os.wait()"
    python = support.environment_python("wheels")
    job = [python, "-c", hang] if case == "hang" else ["sh", "-c", f"sleep 0.2 & {case}"]
    isolate = ["unshare", "-pf", "--kill-child", "--mount-proc"]
    done = subprocess.run(
        [*isolate, PROGRAM, "run", "--ci", "--", *job], capture_output=True, timeout=LIMIT, text=True
    )
    assert done.returncode == expected, done


def test_a_fork_that_is_held_up_is_ended_too(tmp_path):
    library = support.BUILD / "prog" / "libhandler_blocks.so"
    script = "import ctypes, os, sys; ctypes.CDLL(sys.argv[1]); os.fork()"
    command = [support.environment_python("wheels"), "-c", script, library]
    status, _, stderr, records = run_ci(command, tmp_path, "--options", "hang_seconds=1")
    assert status == 70, stderr
    headline, why, more = check_brief(stderr)
    assert "a fork in pid " in headline and f"(pthread_atfork) of {library}" in why
    (handler,) = [each for each in records if each["event"] == "handler"]
    assert (handler["name"], handler["error"]) == (str(library), "it holds up the fork")


# A job that does not care that its children hung

SHRUGS = """
import multiprocessing, sys
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(1); pool.submit(int).result()
def hang():
    return pool.submit(int).result()
context = multiprocessing.get_context("fork")
if sys.argv[1] == "process":
    child = context.Process(target=hang)
    child.start(); child.join()
else:
    with context.Pool(1) as workers:
        try:
            workers.apply(hang)
        except RuntimeError as error:
            assert "can never go on" in str(error)
"""


@pytest.mark.parametrize(
    "way, settings, expected",
    [("process", [], 70), ("process", ["--keep-status"], 0), ("task", [], 0)],
)
def test_a_job_that_passes_though_a_child_hung(way, settings, expected, tmp_path):
    """It fails, unless it was told of the hang by its task's result, or the user wants it so."""
    command = [support.environment_python("wheels"), "-c", SHRUGS, way]
    status, _, stderr, records = run_ci(command, tmp_path, "--policy", "fail", *settings)
    assert status == expected and [each["event"] for each in records].count("hang") == 1, stderr
    if expected:
        assert check_brief(stderr)[0].startswith("forkpolicy: job returned 0, but child ")
    else:
        assert "forkpolicy: job" not in stderr, stderr


CRASHES = """
import multiprocessing, os, signal, sys
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(1); pool.submit(int).result()
def crash():
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)
child = multiprocessing.get_context("fork").Process(target=crash)
child.start(); child.join()
sys.exit(child.exitcode != -signal.SIGSEGV or int(sys.argv[1]))
"""


@pytest.mark.parametrize("own, settings, expected", [(0, [], 70), (0, ["--keep-status"], 0), (3, [], 3)])
def test_a_job_with_a_child_that_crashed(own, settings, expected, tmp_path):
    """It fails though its parent shrugs, unless the user wants it so; the line of the fork is told."""
    command = [support.environment_python("wheels"), "-c", CRASHES, own]
    status, _, stderr, records = run_ci(command, tmp_path, *settings)
    (crash,) = [each for each in records if each["event"] == "crash"]
    assert status == expected and crash["signal"] == "SIGSEGV", stderr
    if not expected:
        assert stderr == ""
        return
    lines = check_brief(stderr)
    headline = {0: "job returned 0, but", 3: "exit status 3:"}[own]
    assert lines[0] == f"forkpolicy: {headline} child {crash['child']} crashed (SIGSEGV)"
    assert any(re.match("forkpolicy:   fork    <string>:9 in <module>, through multiproc", line) for line in lines)
    assert any("the fork lost 1 of 2 threads, one of ThreadPoolExecutor" in line for line in lines)


# Children that hang, and a parent that goes on


@pytest.mark.parametrize("way", ["again", "tasks", "sibling", "every_other"])
def test_a_job_that_copes_with_children_that_hang_is_left_alone(way, tmp_path):
    command = [support.environment_python("wheels"), JOBS / "replaced.py", way]
    settings = ["--policy", "fail", "--keep-status"]
    status, stdout, stderr, records = run_ci(command, tmp_path, *settings)
    assert (status, stdout) == (0, "fine\n"), stderr
    hangs = [each for each in records if each["event"] == "hang"]
    assert len(hangs) > 10 and {each["outcome"] for each in hangs} == {"raised"}
    assert {each["answered"] for each in hangs} == {way == "tasks"}
