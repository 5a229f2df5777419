# SPDX-License-Identifier: Apache-2.0
"""explain PID: a hang is told from outside, without the shim; what rests is never called one."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import support
from python_jobs import JOBS, POOLS

PROGRAM = support.BUILD / "forkpolicy"
LIMIT = 120  # seconds
PATH = f"{support.environment_python('wheels').parent}:{os.environ['PATH']}"  # where py-spy is

# The case of jobs/hanging.py, its environment, and the runtime that is to be named.
HANGS = [
    ("executor", "wheels", "ThreadPoolExecutor"),
    ("asyncio_thread", "wheels", "asyncio"),
    ("deltalake_open", "deltalake", "deltalake"),
    ("polars_group_by", "wheels", "polars"),
    ("torch_cpu", "wheels", "libgomp"),
    ("tokenizers", "wheels", "tokenizers"),
    ("lancedb", "wheels", "lancedb"),
    ("sklearn", "hangs", "libgomp"),
]
HEALTHY = [
    "pool",
    "process_executor",
    "queue_consumer",
    "loader",
    "server",
    "asyncio_server",
    "pipe",
    "lock_of_another_process",
    "event_of_another_process",
    "parked",
    "handled",
    "own_pool",
    "older_than_the_threads",
    "fed_by_timer",
    "busy",
    "stopped",
]


def clean_environment():
    variables = {**os.environ, **POOLS, "HANGING_LIMIT": "600"}
    return {name: value for name, value in variables.items() if not name.startswith("FORKPOLICY")}


@contextlib.contextmanager
def job(name, case, environment, word, tmp_path, prefix=()):
    """A job in a group of its own that has come to say `word`; it is killed at the end."""
    python = support.environment_python(environment)
    process = subprocess.Popen(
        [*prefix, python, JOBS / name, *case.split()],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**clean_environment(), "TMPDIR": str(tmp_path)},
        start_new_session=True,
    )
    try:
        for line in process.stdout:
            if line.split()[0] == word:
                break
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def explain(*arguments, status=None):
    """None: 0 or 3, no hang or one."""
    done = subprocess.run(
        [PROGRAM, "explain", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={**clean_environment(), "PATH": PATH},
    )
    assert done.returncode in ((0, 3) if status is None else (status,)), (done.stdout, done.stderr)
    return done


def records(pid):
    """Those of hangs; an object in any case, and the status says which."""
    done = explain("--json", pid)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found and (done.returncode == 0 or any(each["event"] != "healthy" for each in found))
    if any(each.get("reason") != "parked" for each in found if each["event"] == "hang"):
        assert done.returncode == 3, found
    return [each for each in found if each["event"] != "healthy"]


def until(happens):
    """The first true answer of `happens`: a process takes its time to come to its wait."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        answer = happens()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"not within two minutes: {answer}")


def proven(pid):
    return [each for each in records(pid) if each["verdict"] == "proven"]


@pytest.mark.parametrize("case, environment, name", HANGS, ids=[each[0] for each in HANGS])
def test_a_hang_is_told(case, environment, name, tmp_path):
    with job("hanging.py", case, environment, "waiting", tmp_path) as pid:
        until(lambda: proven(pid))
        (record,) = records(pid)
        text = explain(pid).stdout
    assert (record["verdict"], record["lost"]["name"]) == ("proven", name), record
    assert record["lost"]["threads"] >= 1 and record["lost"]["advice"], record
    assert record["waiting"]["site"]["user"]["file"] == str(JOBS / "hanging.py")
    assert record["python_stack"] and record["native_stack"]
    assert f"pid {record['pid']} (" in text and " can never go on: " in text
    assert f"threads of pid {record['pid']}, and of its parent {record['ppid']}:" in text


# Arrow has threads that survive.
BESIDE_A_SURVIVOR = """
import os
from concurrent.futures import ThreadPoolExecutor
import pyarrow

pyarrow.table({"x": range(1000)}).group_by("x").aggregate([("x", "sum")])
threads = ThreadPoolExecutor(1)
threads.submit(int).result()
if not os.fork():
    threads.submit(int).result()
os.wait()
"""


def test_all_threads_of_the_parent_count_as_the_shim_counts_them(tmp_path):
    (tmp_path / "job.py").write_text(BESIDE_A_SURVIVOR)
    python = support.environment_python("wheels")
    with subprocess.Popen([python, tmp_path / "job.py"], env=clean_environment(), start_new_session=True) as process:
        try:
            (record,) = until(lambda: proven(process.pid))
            threads = len(os.listdir(f"/proc/{process.pid}/task"))
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert threads > 2 and record["fork"]["lost_threads"] == threads - 1, record


@pytest.mark.parametrize("case", HEALTHY)
def test_what_rests_is_not_called_a_hang(case, tmp_path):
    with job("healthy.py", case, "wheels", "ready", tmp_path) as pid:
        for _ in range(3):
            assert not [each for each in records(pid) if each["verdict"] == "proven"]
        assert "can never go on" not in explain("--stacks", pid).stdout


NAMESPACE = ["unshare", "-pf", "--kill-child", "--mount-proc"]


@pytest.mark.skipif(os.geteuid() != 0, reason="a PID namespace needs root")
def test_in_a_namespace_threads_have_other_numbers(tmp_path):
    """As in a container: Python, and the owners of locks, know a thread by the number that it has there."""
    with job("hanging.py", "executor", "wheels", "waiting", tmp_path, NAMESPACE) as pid:
        (record,) = until(lambda: proven(pid))
    assert record["lost"]["name"] == "ThreadPoolExecutor" and record["python_stack"], record
    assert record["waiting"]["site"]["user"]["file"] == str(JOBS / "hanging.py"), record


def test_hundreds_of_threads_take_no_longer_than_their_look(tmp_path):
    """A look at one of 500 threads that wait alike asks for no symbol that another one has been asked."""
    with job("healthy.py", "hundreds", "wheels", "ready", tmp_path) as pid:
        before = os.times()
        text = explain("--stacks", pid).stdout
        after = os.times()
    assert text.count("pthread_cond_wait") + text.count("sem_") + text.count("futex") >= 500, text[:2000]
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert spent < 2, spent  # of a processor, py-spy included; 0.4 where it was written, before that 4


def test_the_thread_that_hangs_is_meant_not_the_one_that_serves(tmp_path):
    with job("beside.py", "executor serving", "wheels", "waiting", tmp_path) as pid:
        (record,) = until(lambda: records(pid))
    assert record["lost"]["name"] == "ThreadPoolExecutor", record
    assert record["waiting"]["site"]["user"]["file"] == str(JOBS / "hanging.py"), record
    assert record["waiting"]["call"] != "epoll_wait", record


def test_threads_that_the_parent_started_later_were_not_lost(tmp_path):
    with job("healthy.py", "older_than_the_threads", "wheels", "ready", tmp_path) as pid:
        assert records(pid) == []
        text = explain(pid).stdout
    _, table = text.split("    child parent\n")
    assert re.findall("^forkpolicy: +0 ", table, re.MULTILINE) == [], text


def test_a_started_program_has_lost_nothing(tmp_path):
    with job("healthy.py", "started_loop", "wheels", "ready", tmp_path) as pid:
        assert not records(pid)


def is_traced(pid):
    return "TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text()


def test_a_debugger_is_named(tmp_path):
    with job("healthy.py", "pipe", "wheels", "ready", tmp_path) as pid:
        debugger = subprocess.Popen(
            ["gdb", "-q", "-batch", "-ex", f"attach {pid}", "-ex", "shell sleep 150"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until(lambda: is_traced(pid))  # two cannot attach at once
            until(lambda: "stopped by a debugger" in explain(pid).stdout)
        finally:
            debugger.kill()
            debugger.wait()


def test_without_py_spy_what_a_python_wait_is_about_stays_open(tmp_path):
    with job("hanging.py", "executor", "wheels", "waiting", tmp_path) as pid:
        until(lambda: proven(pid))
        done = subprocess.run(
            [PROGRAM, "explain", str(pid)],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            env={**clean_environment(), "PATH": "/usr/bin:/bin"},
        )
    assert "pip install py-spy" in done.stdout and "can never go on" not in done.stdout


def state_of(pid):
    return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]


def test_a_process_goes_on_as_it_was(tmp_path):
    """Looking at it stops it for a moment, and changes nothing."""
    with job("healthy.py", "asyncio_server", "wheels", "ready", tmp_path) as pid:
        for _ in range(5):
            explain(pid)
        until(lambda: state_of(pid) == "S")


def test_what_cannot_be_looked_at():
    ended = subprocess.Popen(["true"])
    until(lambda: state_of(ended.pid) == "Z")
    said = explain(ended.pid, status=2).stderr
    assert "a zombie" in said, said
    ended.wait()
    assert "there is no such process" in explain(ended.pid, status=2).stderr
    assert "is not a process ID" in explain("0", status=2).stderr
    assert "is not a process ID" in explain("99999999999999999999", status=2).stderr
    assert "want one PID or log" in explain(status=2).stderr
    assert "unknown option" in explain("--wrong", "1", status=2).stderr


@pytest.mark.parametrize("preload", [False, True])
def test_a_handler_that_holds_up_a_fork_is_named(preload, tmp_path):
    """numpy's and grpc's have hung the parent."""
    library = support.BUILD / "prog" / "libhandler_blocks.so"
    script = "import ctypes, os, sys; ctypes.CDLL(sys.argv[1]); print('loaded', flush=True); os.fork()"
    held = f"held up in fork(), by a handler for forks of {library}"
    process = subprocess.Popen(
        [support.environment_python("wheels"), "-c", script, library],
        stdout=subprocess.PIPE,
        text=True,
        env={**clean_environment(), **({"LD_PRELOAD": str(support.LIBRARY)} if preload else {})},
    )
    try:
        assert process.stdout.readline() == "loaded\n"
        until(lambda: held in explain(process.pid).stdout)
    finally:
        process.kill()
        process.wait()


def test_a_thread_of_the_kernel():
    kernel = [pid for pid in os.listdir("/proc") if pid.isdigit() and is_of_kernel(pid)]
    if not kernel:
        pytest.skip("no thread of the kernel is seen here")
    assert "a thread of the kernel" in explain(kernel[0], status=4).stderr


def is_of_kernel(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1] == "2"
    except OSError:
        return False


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_of_another_user(tmp_path):
    sleeper = subprocess.Popen(["sleep", "600"])
    try:
        done = subprocess.run(
            [PROGRAM, "explain", str(sleeper.pid)],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            user=65534,
            cwd="/",
        )
    finally:
        sleeper.kill()
        sleeper.wait()
    assert done.returncode == 4 and "belongs to user 0" in done.stderr, done
