# SPDX-License-Identifier: Apache-2.0
"""run --ci: a job that hangs is ended with status 70, all its processes, and its log tells why."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

import support
from python_jobs import JOBS, POOLS, source_line
from test_fail import CASES, check_owner, is_own

HANG_SECONDS = 2
PROGRAM = support.BUILD / "forkpolicy"
LIMIT = 120  # seconds


def run_ci(command, tmp_path, *settings, timeout=LIMIT, env=None, **popen):
    """(status, stdout, stderr, records) of a job of its own mark."""
    log = tmp_path / "log"
    variables = dict(os.environ, **POOLS, TMPDIR=str(tmp_path), **(env or {}))
    for name in ("FORKPOLICY", "FORKPOLICY_LOG", "LD_PRELOAD"):
        variables.pop(name, None)
    job = subprocess.Popen(
        [PROGRAM, "run", "--ci", "--log", log, *settings, "--", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=variables,
        text=True,
        **popen,
    )
    try:
        stdout, stderr = job.communicate(timeout=timeout)
    finally:
        job.kill()
    records = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return job.returncode, stdout, stderr, records


def check_brief(stderr):
    """The lines that --ci has added: what happened, where, why, what to change, and where the rest is.

    Fifteen at most, nothing twice, no contradiction, and each path that it names is there.
    """
    lines = [line for line in stderr.splitlines() if line.startswith("forkpolicy:")]
    assert 3 <= len(lines) <= 15 and len(set(lines)) == len(lines), stderr
    assert len(lines[0]) < 100, lines[0]
    assert not re.search("goes on|may never|missing|native|\\+0x", "\n".join(lines)), stderr
    counts = set(re.findall(r"(\d+) of (\d+) threads", "\n".join(lines)))
    assert len(counts) <= 1 and all(int(n) < int(m) for n, m in counts), stderr
    label, path = lines[-1].removeprefix("forkpolicy:").split()
    assert label == "more" and Path(path).is_file(), stderr
    return lines


def left_over(mark):
    """Processes that have this in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            pass
    return found


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


# Jobs that take too long, fork or not


LOCKED = """
import threading
a, b, both = threading.Lock(), threading.Lock(), threading.Barrier(2)
def take(one, other):
    with one:
        both.wait()
        other.acquire()
threading.Thread(target=take, args=(a, b), daemon=True).start()
take(b, a)
"""
QUEUE = """
import multiprocessing
context = multiprocessing.get_context("fork")
queue = context.Queue()
child = context.Process(target=queue.put, args=("x" * 10_000_000,))
child.start(); child.join(); queue.get()
"""
SIGNALLED = """
import signal, threading
lock = threading.Lock()
signal.signal(signal.SIGUSR1, lambda *_: lock.release())
lock.acquire(); lock.acquire()
"""
LATE = {
    "locks": (LOCKED, r"a deadlock: all 2 threads of pid \d+ wait for locks", "same order"),
    "queue": (QUEUE, r"pid \d+ and pid \d+ wait for each other", "read from the pipe"),
    "lock": ("import threading; l = threading.Lock(); l.acquire(); l.acquire()", "only thread", ""),
    "signal": (SIGNALLED, "it had not finished", "waits for a Python lock"),
    "sleep": ("import time; time.sleep(100)", "it had not finished", "waits in "),
    "busy": ("while True: pass", "it had not finished", "runs"),
}


@pytest.mark.parametrize("name", LATE)
def test_what_takes_too_long_is_ended_and_said(name, tmp_path):
    script, headline, words = LATE[name]
    mark = f"mark-{os.getpid()}-{name}"
    command = [support.environment_python("wheels"), "-c", script]
    status, _, stderr, _ = run_ci(command, tmp_path, "--timeout", "2", env={"MARK": mark})
    assert status == 70 and left_over(mark) == [], stderr
    lines = check_brief(stderr)
    assert re.match(f"forkpolicy: job ended after 2 s: .*{headline}", lines[0]), stderr
    assert words in stderr


def test_a_job_that_is_in_time_is_not_told_of(tmp_path):
    status, stdout, stderr, _ = run_ci(["echo", "fine"], tmp_path, "--timeout", "60.5")
    assert (status, stdout, stderr) == (0, "fine\n", "")


@pytest.mark.parametrize("given", ["", "0", "-1", "1m", "nan", "inf", "1e99"])
def test_a_time_limit_is_a_number_of_seconds(given, tmp_path):
    status, _, stderr, _ = run_ci(["true"], tmp_path, "--timeout", given)
    assert status == 2 and f'--timeout "{given}": want seconds' in stderr


@pytest.mark.parametrize("option", [["--timeout", "3"], ["--ci-report", "3"], ["--keep-status"]])
def test_options_of_ci_need_it(option):
    done = subprocess.run(
        [PROGRAM, "run", *option, "--", "true"], capture_output=True, text=True, timeout=LIMIT
    )
    assert done.returncode == 2 and f"{option[0]} needs --ci" in done.stderr


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


# The report


FORKS = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(1); pool.submit(int).result()
child = os.fork()
if child == 0:
    sys.argv[1] == "hang" and pool.submit(int).result()
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def run_forks(way, folder, *settings):
    command = [support.environment_python("wheels"), "-c", FORKS, way]
    return subprocess.run(
        [PROGRAM, "run", "--ci", *settings, "--", *command],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={**os.environ, "TMPDIR": str(folder)},
    )


def test_a_job_that_passes_adds_no_line_under_any_policy(tmp_path):
    for policy in ("warn", "warn:*", "fail", "reset"):
        done = run_forks("pass", tmp_path, "--policy", policy)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), policy
        assert list(tmp_path.iterdir()) == []


def test_the_report_has_records_stacks_and_a_page(tmp_path):
    folder = tmp_path / "report"
    done = run_forks("hang", tmp_path, "--ci-report", folder)
    assert done.returncode == 70, done
    lines = check_brief(done.stderr)
    assert lines[-1].endswith(f" {folder}/report.txt")
    assert sorted(path.name for path in folder.iterdir()) == [
        "forks.jsonl",
        "report.html",
        "report.txt",
    ]
    report = (folder / "report.txt").read_text()
    assert "native" in report and "+0x" in report and "the job's processes when" in report


def test_a_report_is_not_of_an_earlier_job(tmp_path):
    folder = tmp_path / "report"
    for job in ("hang", "pass"):
        run_forks(job, tmp_path, "--ci-report", folder)
    assert sorted(path.name for path in folder.iterdir()) == ["forks.jsonl", "report.html"]
    for path in folder.iterdir():
        assert '"event":"hang"' not in path.read_text(), path


@pytest.mark.parametrize("policy, words", [("fail", "hung: the fork lost "), ("refuse:*", "refused")])
def test_a_job_that_fails_for_a_fork_says_so(policy, words, tmp_path):
    done = run_forks("hang", tmp_path, "--policy", policy)
    lines = check_brief(done.stderr)
    assert lines[0].startswith(f"forkpolicy: exit status {done.returncode}: ")
    assert done.returncode in (1, 70) and words in lines[0], done


def test_a_report_that_cannot_be_written_is_an_error(tmp_path):
    done = run_forks("pass", tmp_path, "--ci-report", tmp_path / "none" / "none")
    assert done.returncode == 2 and "no folder for the report: " in done.stderr


def test_without_a_log_none_is_left(tmp_path):
    script = tmp_path / "job.py"
    script.write_text("print('fine')\n")
    done = subprocess.run(
        [PROGRAM, "run", "--ci", "--", support.environment_python("wheels"), script],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")
    assert list(tmp_path.iterdir()) == [script]


def test_a_log_for_each_process_cannot_be_followed(tmp_path):
    done = subprocess.run(
        [PROGRAM, "run", "--ci", "--log", tmp_path / "log.%p", "--", "true"],
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 2 and "%p" in done.stderr


# A hang that needs a lock to be held at the moment of the fork

LOCKS = {
    "C": [support.host("lock_held")],
    "Python": [support.environment_python("wheels"), JOBS / "lock_held_at_times.py"],
}


@pytest.mark.alone("whoever holds the lock holds it for longer where others want the processor")
@pytest.mark.parametrize("name", LOCKS)
def test_rare_hangs_are_amplified(name):
    command = LOCKS[name]

    def held(arguments, rounds):
        outcomes = [
            subprocess.run(
                [*arguments, *command], capture_output=True, text=True, timeout=LIMIT, check=True
            )
            for _ in range(rounds)
        ]
        return sum(each.stdout == "held\n" for each in outcomes), outcomes

    bare, _ = held([], 20)
    amplified, outcomes = held([PROGRAM, "run", "--amplify", "500", "--"], 20)
    assert amplified >= 12 and bare <= amplified // 3, (bare, amplified)
    assert all("forkpolicy: amplify: " in each.stderr for each in outcomes)


HELD_ALL_THE_TIME = """
import os, threading

lock, held, done = threading.Lock(), threading.Event(), threading.Event()
threading.Thread(target=lambda: lock.acquire() and held.set() or done.wait()).start()
held.wait()
os.waitpid(os.fork() or os._exit(0), 0)
done.set()
"""


def test_amplify_says_nothing_of_locks_that_are_held_all_the_time(tmp_path):
    command = [support.environment_python("wheels"), "-c", HELD_ALL_THE_TIME]
    said = "no other thread took a lock meanwhile (one that is held for 100 ms needs no amplifying)\n"
    for _ in range(5):  # on its way to rest the thread may take a lock of Python's at the fork
        done = subprocess.run(
            [PROGRAM, "run", "--amplify", "50", "--", *command], capture_output=True, text=True, timeout=LIMIT
        )
        assert done.returncode == 0
        if said in done.stderr:
            return
    raise AssertionError(done.stderr)


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
