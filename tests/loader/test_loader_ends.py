"""Loader: readers that end within an epoch leave nothing. SPDX-License-Identifier: Apache-2.0"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from loaders import JOBS, environment

pytestmark = pytest.mark.timeout(180)
STAGES = [("slow", "fork"), ("hang", "fork"), ("works", "fork")]


begun = []


@pytest.fixture(autouse=True)
def nothing_goes_on():
    """Also where a test has failed: each job has a session of its own."""
    yield
    for job in begun:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)
        job.communicate()
    begun.clear()


def begin(way, start="fork"):
    command = [sys.executable, str(JOBS / "ends.py"), way, start]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    job = subprocess.Popen(command, env=environment(), start_new_session=True, **pipes)
    begun.append(job)
    return job


def workers_of(job):
    found = [int(word) for word in job.stdout.readline().split()]
    assert len(found) == 2 and all(map(is_there, found)), job.communicate(timeout=20)
    assert not any(has_named_memory(process) for process in [job.pid, *found])
    return found


def has_named_memory(process):
    """It would be left behind in /dev/shm."""
    with open(f"/proc/{process}/maps") as file:
        return "/dev/shm" in file.read()


def is_there(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_gone(processes, seconds=3):
    until = time.monotonic() + seconds
    while any(map(is_there, processes)):
        assert time.monotonic() < until, f"left behind: {list(filter(is_there, processes))}"
        time.sleep(0.01)


def in_session(leader):
    """The processes of a session."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.getsid(int(name)) == leader and is_there(int(name)):
                found.append(int(name))
        except ProcessLookupError:
            pass
    return found


ENDS = [
    ("end", 0, "", "fork"), ("end", 0, "", "spawn"), ("end", 0, "", "forkserver"), ("sys.exit", 3, "", "fork"),
    ("os._exit", 4, "", "fork"), ("error", 1, "LookupError", "fork"),
]  # fmt: skip


@pytest.mark.parametrize("way, status, said, start", ENDS)
def test_exit_within_an_epoch(way, status, said, start):
    job = begin(way, start)
    workers = [int(word) for word in job.stdout.readline().split()]
    out, err = job.communicate(timeout=40)
    assert (job.returncode, len(workers), out) == (status, 2, "")
    assert said in err if said else err == ""
    assert err.count("Traceback") == bool(said)
    wait_gone(workers)
    wait_gone(in_session(job.pid))  # multiprocessing's resource tracker


@pytest.mark.parametrize("way, start", STAGES + [("hang", "spawn"), ("hang", "forkserver")])
def test_reader_killed(way, start):
    """Its workers end: those that wait for a slot, and those that are within a transform."""
    job = begin(way, start)
    workers = workers_of(job)
    job.kill()
    assert job.wait(5) == -signal.SIGKILL
    wait_gone(workers, 3)
    assert job.communicate(timeout=5) == ("", "")
    if start == "fork":
        assert in_session(job.pid) == []


@pytest.mark.parametrize("way, start", STAGES + [("slow", "spawn"), ("slow", "forkserver")])
def test_ctrl_c(way, start):
    job = begin(way, start)
    workers = workers_of(job)
    begun = time.monotonic()
    os.killpg(job.pid, signal.SIGINT)
    out, err = job.communicate(timeout=20)
    assert time.monotonic() - begun < 3
    assert job.returncode == -signal.SIGINT, err
    assert err.count("Traceback") == 1 and err.endswith("KeyboardInterrupt\n"), err
    wait_gone(workers, 1)


@pytest.mark.parametrize("number", range(6))
def test_ctrl_c_while_workers_start(number):
    """None of them tells of an interrupt."""
    job = begin("begins", "spawn" if number == 0 else "fork")
    assert job.stdout.readline() == "\n"
    time.sleep(random.Random(number).random() * 0.2)
    for _ in range(10):  # Python loses those that come as an object is let go
        os.killpg(job.pid, signal.SIGINT)
        try:
            out, err = job.communicate(timeout=2)
            break
        except subprocess.TimeoutExpired:
            pass
    assert job.returncode == -signal.SIGINT, err
    assert err.endswith("KeyboardInterrupt\n") and "forkloader-" not in err, err
    assert err.count("Traceback") == 1 + err.count("Exception ignored in"), err
    until = time.monotonic() + 3
    while in_session(job.pid):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_reader_s_handler_is_not_its_workers():
    job = begin("sigterm")
    workers = [int(word) for word in job.stdout.readline().split()]
    out, err = job.communicate(timeout=20)
    assert (job.returncode, out, err) == (0, "", "")
    wait_gone(workers, 0.5)
