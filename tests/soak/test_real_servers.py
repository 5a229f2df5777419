"""celery and uwsgi as pip installs them: a worker that hangs, and the advice for each followed.

`make soak`; uwsgi is compiled once, for an environment of their own.

SPDX-License-Identifier: Apache-2.0
"""

import http.client
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

import servers_environment
import support

HERE = Path(__file__).resolve().parent
SECONDS = 90  # for what should take a few
FOREIGN = support.ROOT / "tests" / "python" / "jobs" / "foreign.c"


@pytest.fixture(scope="module")
def programs():
    return servers_environment.programs()


class Server:
    """A command in a session of its own, and what it has said."""

    def __init__(self, command, folder, policy, **variables):
        self.process = subprocess.Popen(
            [str(part) for part in command],
            env=support.environment(policy, folder / "log", extra={**variables, "TMPDIR": str(folder)}),
            cwd=HERE / "servers",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.lines, self.news = [], threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            with self.news:
                self.lines.append(line)
                self.news.notify_all()

    @property
    def said(self):
        return "".join(self.lines)

    def see(self, pattern):
        with self.news:
            seen = self.news.wait_for(lambda: re.search(pattern, self.said), SECONDS)
            assert seen, (pattern, self.said)
            return seen[1]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(SECONDS)
        finally:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)  # a session of its own
            except ProcessLookupError:
                pass
            self.process.wait()


def until(happens):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        found = happens()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {SECONDS} seconds: {found}")


# celery

CLIENT = """
import sys, tasks
for name in sys.argv[1:]:
    try:
        print(name, getattr(tasks, name).delay().get(timeout=60))
    except Exception as error:
        print(name, type(error).__name__, error)
"""


def test_celery_replaces_a_worker_that_hangs(programs, tmp_path):
    """All of celery's defaults: prefork, and a parent that made a library when it imported the tasks."""
    library, queues = tmp_path / "libforeign.so", tmp_path / "queues"
    queues.mkdir()
    subprocess.run(["gcc", "-shared", "-fPIC", "-pthread", "-o", library, FOREIGN], check=True)
    variables = {"QUEUES": str(queues), "FOREIGN_LIBRARY": str(library), "C_FORCE_ROOT": "1"}
    command = [programs / "celery", "-A", "tasks", "worker", "--concurrency", "2", "-l", "info"]
    with Server(command, tmp_path, "fail", **variables) as server:
        server.see(r"(\S+) ready\.")
        client = subprocess.run(
            [programs / "python", "-c", CLIENT, "healthy", "hangs", "healthy", "healthy"],
            env=support.environment(preload=False, extra=variables),
            cwd=HERE / "servers",
            capture_output=True,
            text=True,
            timeout=3 * SECONDS,
        )
        before, hung, *after = client.stdout.splitlines()
        (hang,) = [each for each in support.read_log(tmp_path / "log") if each["event"] == "hang"]
        server.see(rf"pid:{hang['pid']} exited with 'exitcode (70)'")
    assert (hang["verdict"], hang["outcome"]) == ("proven", "exited"), hang
    assert hang["lost"]["dso"] == str(library) and hang["waiting"]["site"]["user"] == {
        "file": str(HERE / "servers" / "tasks.py"),
        "line": (HERE / "servers" / "tasks.py").read_text().splitlines().index("    library.foreign_ask()") + 1,
    }
    assert "WorkerLostError" in hung and "exitcode 70" in hung, client
    assert all(re.fullmatch(r"healthy \d+", line) for line in (before, *after)), client
    assert "worker_process_init" in server.said and "bin/celery:" not in server.said, server.said


# uwsgi


class Uwsgi(Server):
    def __init__(self, programs, application, folder, policy, *arguments, **variables):
        command = [programs / "uwsgi", "--http-socket", "127.0.0.1:0", "--master", "-p", "2"]
        command += ["--enable-threads", "--die-on-term", "-w", application, *arguments]
        super().__init__(command, folder, policy, **variables)
        self.port = int(self.see(r"bound to TCP address 127\.0\.0\.1:(\d+)"))
        self.see(r"(spawned uWSGI worker 2)")

    def ask(self, timeout=SECONDS, path="/"):
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            asked.request("GET", path)
            return asked.getresponse().status
        finally:
            asked.close()


def test_uwsgi_replaces_a_worker_that_hangs(programs, tmp_path):
    """All of its defaults, no harakiri among them."""
    library = tmp_path / "libforeign.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-pthread", "-o", library, FOREIGN], check=True)
    with Uwsgi(programs, "cases", tmp_path, "fail", CASE="library", FOREIGN_LIBRARY=str(library)) as server:
        with pytest.raises((OSError, http.client.HTTPException)):
            server.ask(path="/use")
        hang = support.read_log(tmp_path / "log")[-1]
        server.see(rf"(worker \d+) \(pid: {hang['pid']}\) died")
        assert {server.ask() for _ in range(10)} == {200}
    assert (hang["verdict"], hang["outcome"]) == ("proven", "exited"), hang
    assert hang["lost"]["dso"] == str(library) and "@postfork" in server.said, server.said


ADVICE = {
    "none": ([], {}),
    "--py-call-osafterfork": (["--py-call-osafterfork"], {}),
    "--lazy-apps": (["--lazy-apps"], {}),
    "@postfork": ([], {"POSTFORK": "1"}),
}


@pytest.mark.parametrize("advice", ADVICE)
def test_uwsgi_exports_where_the_advice_is_followed(advice, programs, tmp_path):
    arguments, variables = ADVICE[advice]
    exported = tmp_path / "exported"
    exported.mkdir()
    with Uwsgi(programs, "counted", tmp_path, "warn", *arguments, EXPORTED=str(exported), **variables) as server:
        assert {server.ask() for _ in range(10)} == {200}
        if advice == "none":
            time.sleep(2)  # ten times what its thread would wait
            assert not list(exported.iterdir())
        else:
            until(lambda: list(exported.iterdir()))
    assert "forkpolicy: " not in server.said, server.said


def test_uwsgi_worker_that_hangs_is_explained(programs, tmp_path):
    """uwsgi does not tell Python of its forks: its threads keep the numbers that they had in the master."""
    variables = dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}")
    with Uwsgi(programs, "logged", tmp_path, "warn") as server:
        threading.Thread(target=lambda: pytest.raises(OSError, server.ask, timeout=30), daemon=True).start()

        def explained():
            command = [support.PROGRAM, "explain", str(server.process.pid)]
            text = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=SECONDS).stdout
            return text if "logged.py:" in text else None

        text = until(explained)
    assert re.search(r"forkpolicy:   at      \S+/logged.py:\d+ in application, through logging/", text), text
    assert "1 Python thread (Thread-1 (error))" in text and "fork() called from " in text, text
    assert re.search("forkpolicy:   do      uwsgi --lazy-apps, .* @postfork", text), text


