# SPDX-License-Identifier: Apache-2.0
"""fail, where C code forks a process with Python in it and goes on, as uwsgi does."""

import contextlib
import json
import os
import signal
import subprocess
import time

import pytest

import support
from python_jobs import JOBS, POOLS

SECONDS = 60  # for what should take one
ASK = "import json, sysconfig as s; print(json.dumps(s.get_config_vars('LIBDIR', 'LDLIBRARY', 'Py_ENABLE_SHARED')))"
POOL = """
import ctypes, os, sys, threading
from concurrent.futures import ThreadPoolExecutor

sys.path[:0] = [{path!r}]
pool, both = ThreadPoolExecutor(2), threading.Barrier(2)
list(pool.map(lambda _: both.wait(), range(2)))
"""
LOCK = """
lock, held = threading.Lock(), threading.Event()

def hold():
    with lock:
        held.set()
        threading.Event().wait(60)

threading.Thread(target=hold, daemon=True).start()
held.wait()

def use():
    with lock:
        pass
"""
HANGS = {
    "lock": LOCK,
    "executor": "def use():\n    pool.submit(int).result()\n",
}
# What an idle worker does: nothing of it has to do with the threads that were lost.
RESTS = "def use():\n    threading.Event().wait()\n"
# The frames of concurrent.futures below are the parent's, and tie nothing to its lost threads.
RESTS_IN_A_POOL = """
def use():
    threading.Event().wait()

def fork():
    child = ctypes.CDLL(None).fork()
    if child == 0:
        use()
    os.waitpid(child, 0)

pool.submit(fork).result()
"""


def build(folder, *flags):
    program = folder / "embeds"
    python = support.environment_python("wheels")
    libraries, library, is_shared = json.loads(subprocess.check_output([python, "-c", ASK], text=True, timeout=60))
    if not is_shared:
        pytest.skip("this Python is no shared library")
    name = library.removeprefix("lib").removesuffix(".so")
    command = ["gcc", "-std=gnu11", "-O2", *flags, "-o", program, JOBS / "embeds.c", f"-L{libraries}", f"-l{name}"]
    subprocess.run([*command, f"-Wl,-rpath,{libraries}"], check=True, timeout=60)
    return program


@pytest.fixture(scope="module")
def embeds(tmp_path_factory):
    return build(tmp_path_factory.mktemp("embeds"))


class Job:
    """The application in a session of its own, until it has ended or one hang was recorded."""

    def __init__(self, command, folder, code):
        ask = [support.environment_python("wheels"), "-c", "import site; print(site.getsitepackages()[0])"]
        path = subprocess.check_output(ask, text=True, timeout=60).strip()
        self.folder, file = folder, folder / "application.py"
        file.write_text(POOL.format(path=path) + code)
        options = {"FORKPOLICY_OPTIONS": "hang_seconds=1,grace_seconds=0.1"}
        with open(folder / "said", "w") as said:
            self.process = subprocess.Popen(
                [str(file if each == "FILE" else each) for each in command],
                env=support.environment("fail", folder / "log", extra={**POOLS, **options}),
                stdin=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )

    def hangs(self):
        return [each for each in support.read_log(self.folder / "log") if each["event"] == "hang"]

    def hang(self):
        """The first one."""
        end = time.monotonic() + SECONDS
        while not self.hangs() and time.monotonic() < end:
            time.sleep(0.05)
        return self.hangs()[0]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # a session of its own
        self.process.wait()


@pytest.mark.parametrize("gil", ["held", "free"])
@pytest.mark.parametrize("case", HANGS)
def test_wait_in_python_gets_an_error(case, gil, embeds, tmp_path):
    with Job([embeds, "FILE", gil], tmp_path, HANGS[case]) as job:
        hang = job.hang()
        assert (hang["verdict"], hang["outcome"]) == ("proven", "raised"), hang
        assert job.process.wait(SECONDS) == 1
    assert "ForkPolicyError: " in (tmp_path / "said").read_text() and len(job.hangs()) == 1


@pytest.mark.parametrize("gil", ["held", "free"])
def test_worker_at_rest_is_left_alone(gil, embeds, tmp_path):
    with Job([embeds, "FILE", gil], tmp_path, RESTS) as job:
        assert (job.hang()["reason"], job.hang()["outcome"]) == ("parked", "waits"), job.hangs()


def test_program_that_is_not_position_independent(tmp_path):
    program = build(tmp_path, "-no-pie", "-fno-pic")
    with Job([program, "FILE", "free"], tmp_path, "def use():\n    pass\n") as job:
        assert job.process.wait(SECONDS) == 0 and not job.hangs()


def test_frames_of_the_parent_tie_nothing_to_what_was_lost(tmp_path):
    with Job([support.environment_python("wheels"), "FILE"], tmp_path, RESTS_IN_A_POOL) as job:
        assert (job.hang()["reason"], job.hang()["outcome"]) == ("parked", "waits"), job.hangs()
