"""What the tests share: where things are built, and how a host is run under the shim."""

import json
import os
import platform
import re
import shutil
import signal
import subprocess
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LACKING = 77  # how a host ends that this libc cannot run
HANG_GUARD = 120  # seconds, which a host has on a machine that does much else
BUILD = ROOT / "build"
LIBRARY = BUILD / "libforkpolicy.so"
PROGRAM = BUILD / "forkpolicy"
LIBC = tuple(map(int, re.findall(r"\d+", platform.libc_ver()[1])))  # glibc's version
CARRIES = platform.machine() == "x86_64" and (2, 34) <= LIBC <= (2, 43)


class Outcome:
    """How a host ended: its status (None: the time limit ended it), output and log records."""

    def __init__(self, status, stdout, stderr, records):
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        self.records = records

    @property
    def said(self):
        """The lines of stderr that are the shim's."""
        return [line for line in self.stderr.splitlines() if line.startswith("forkpolicy:")]

    def of(self, event):
        return [record for record in self.records if record["event"] == event]

    def __repr__(self):
        return f"status {self.status}\nstdout: {self.stdout}\nstderr: {self.stderr}"


@lru_cache(None)
def isolation():
    """A command prefix that gives a host its own PID namespace: kill(-1) ends nobody else's.

    Where there are none, these tests must not run as root (the Makefile sees to it).
    """
    prefix = ["unshare", "-pf", "--kill-child", "--mount-proc"]
    if shutil.which("unshare"):
        if subprocess.run(prefix + ["true"], capture_output=True).returncode == 0:
            return tuple(prefix)
    assert os.geteuid() != 0, "no PID namespaces here: run as another user (tools/other-user.sh)"
    return ()


def environment(policy=None, log=None, preload=True, extra=None):
    # pytest's other threads change it meanwhile (PYTEST_CURRENT_TEST).
    env = {key: os.environ.get(key, "") for key in os.environ if not key.startswith("FORKPOLICY")}
    env.pop("LD_PRELOAD", None)
    if preload:
        env["LD_PRELOAD"] = str(LIBRARY)
    if policy is not None:
        env["FORKPOLICY"] = policy
    if log is not None:
        env["FORKPOLICY_LOG"] = str(log)
    env.update(extra or {})
    return env


def run(
    command,
    policy=None,
    log=None,
    preload=True,
    env=None,
    timeout=HANG_GUARD,
    isolated=False,
    cwd=None,
    stdin=subprocess.DEVNULL,
):
    """Runs a host to its end or to the time limit, and ends what it leaves behind.

    The preload is set for the host alone, by env(1), not for the wrapper that isolates it.
    """
    command = [str(part) for part in command]
    settings = environment(policy, log, preload, env)
    if isolated and isolation():
        inner = ["env"] + [
            f"{key}={value}"
            for key, value in settings.items()
            if key == "LD_PRELOAD" or key.startswith("FORKPOLICY")
        ]
        settings = {
            key: value
            for key, value in settings.items()
            if key != "LD_PRELOAD" and not key.startswith("FORKPOLICY")
        }
        command = list(isolation()) + inner + command
    process = subprocess.Popen(
        command,
        env=settings,
        stdout=subprocess.PIPE,
        cwd=cwd,
        stdin=stdin,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(timeout=timeout)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
        status = None
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)  # a session of its own: only what it started
        except ProcessLookupError:
            pass
    if status == LACKING and b"\nskipped: " in b"\n" + stdout:
        pytest.skip(stdout.decode().splitlines()[-1].partition("skipped: ")[2])
    return Outcome(
        status,
        stdout.decode(errors="replace"),
        stderr.decode(errors="replace"),
        read_log(log) if log else [],
    )


def read_log(path):
    path = Path(path)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def host(name):
    """The path of a program of tests/prog, built by the Makefile."""
    path = BUILD / "prog" / name
    assert path.exists(), f"{path} is not built: run make programs"
    return path


def environment_python(name):
    """The interpreter of one of the Makefile's Python environments."""
    path = BUILD / "venv" / name / "bin" / "python"
    assert path.exists(), f"{path} is missing: run make environments"
    return path
