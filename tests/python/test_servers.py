# SPDX-License-Identifier: Apache-2.0
"""fail, under gunicorn: a worker that hangs for what the arbiter has is ended, and requests go on."""

import http.client
import os
import re
import signal
import subprocess
import threading
import time

import pytest

import support
from python_jobs import JOBS, POOLS

SECONDS = 60  # for what should take seconds


class Server:
    """gunicorn with its defaults, on a port that the kernel chooses."""

    def __init__(self, folder, library, *arguments):
        gunicorn = support.environment_python("servers").parent / "gunicorn"
        variables = {**POOLS, "FOREIGN_LIBRARY": str(library), "TMPDIR": str(folder)}
        self.process = subprocess.Popen(
            [gunicorn, "--no-control-socket", "-b", "127.0.0.1:0", *arguments, "served:app"],
            env=support.environment("fail", folder / "log", extra=variables),
            cwd=JOBS,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.lines, self.news = [], threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()
        self.port = int(self.see(r"Listening at: http://127\.0\.0\.1:(\d+)"))

    def read(self):
        for line in self.process.stderr:
            with self.news:
                self.lines.append(line)
                self.news.notify_all()

    def see(self, pattern):
        """Waits for a line, and gives what the pattern's group is in it."""
        with self.news:
            seen = self.news.wait_for(lambda: re.search(pattern, self.said), SECONDS)
            assert seen, (pattern, self.said)
            return seen[1]

    @property
    def said(self):
        return "".join(self.lines)

    def ask(self, path):
        """(status, body); status 0 where the worker ended instead."""
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            asked.request("GET", path)
            answer = asked.getresponse()
            return answer.status, answer.read().decode()
        except ConnectionError:
            return 0, ""
        finally:
            asked.close()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(SECONDS)
        finally:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)  # a session of its own
            except ProcessLookupError:
                pass


@pytest.fixture
def serve(foreign_library, tmp_path):
    servers = []

    def start(*arguments):
        servers.append(Server(tmp_path, foreign_library, *arguments))
        return servers[-1]

    yield start
    for server in servers:
        server.end()


def report_of(server, hang):
    """What was said of the process that hangs, without the stacks."""
    text = server.said[server.said.index(f"forkpolicy: pid {hang['pid']} ") :]
    return text[: text.index("forkpolicy:   python ")]


SYNC = ["-w", "2"]
GTHREAD = ["-w", "2", "-k", "gthread", "--threads", "2"]
WORKERS = {"sync": SYNC, "gthread": GTHREAD}


@pytest.mark.parametrize("kind", WORKERS)
def test_worker_that_hangs_is_ended_and_replaced(kind, serve, tmp_path):
    server = serve("--preload", *WORKERS[kind])
    assert server.ask("/")[0] == 200
    hangs = threading.Thread(target=lambda: server.ask("/ask"))
    hangs.start()
    while hangs.is_alive():
        assert server.ask("/")[0] in (200, 0), server.said
        time.sleep(0.1)
    (hang,) = [each for each in support.read_log(tmp_path / "log") if each["event"] == "hang"]
    assert (hang["verdict"], hang["outcome"]) == ("proven", "exited"), hang
    server.see(rf"Worker \(pid:{hang['pid']}\) exited with code (70)")
    server.see(r"(?s)(?:Booting worker.*){2}(Booting worker)")
    answers = [server.ask("/") for _ in range(10)]
    assert {status for status, _ in answers} == {200}, answers
    assert str(hang["pid"]) not in {pid for _, pid in answers}, answers
    report = report_of(server, hang)
    for words in ("for     libforeign.so: ", "served.py:", "gunicorn/arbiter.py:", "post_fork"):
        assert words in report, report
    assert "bin/gunicorn:" not in report, report
    assert server.end() == 0 and len([line for line in server.lines if "can never go on" in line]) == 1


def test_request_that_waits_in_python_gets_an_error(serve, tmp_path):
    server = serve("--preload", "-w", "1")
    status, _ = server.ask("/flush")
    assert status == 500, server.said
    server.see("(ForkPolicyError: )")
    assert server.ask("/")[0] == 200
    (hang,) = [each for each in support.read_log(tmp_path / "log") if each["event"] == "hang"]
    assert (hang["verdict"], hang["outcome"]) == ("proven", "raised"), hang
    report = report_of(server, hang)
    for words in ("for     posthog 6.9.3: ", "served.py:", "post_fork"):
        assert words in report, report
    assert server.end() == 0, server.said


@pytest.mark.parametrize("kind", WORKERS)
def test_healthy_server_is_not_mentioned(kind, serve):
    """Its workers have threads of their own, and are started anew (HUP), one more (TTIN), and ended."""
    server = serve(*WORKERS[kind])
    for number in (None, signal.SIGHUP, signal.SIGTTIN):
        if number:
            server.process.send_signal(number)
        booted = {None: 2, signal.SIGHUP: 4, signal.SIGTTIN: 5}[number]
        server.see(rf"(?s)(?:Booting worker.*){{{booted - 1}}}(Booting worker)")
        answers = [server.ask("/") for _ in range(5)]
        assert {status for status, _ in answers} == {200}, (answers, server.said)
    assert server.end() == 0 and "forkpolicy" not in server.said, server.said
