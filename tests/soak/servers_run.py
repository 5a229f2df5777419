# SPDX-License-Identifier: Apache-2.0
"""A real server with an application of servers/cases.py, and how it is asked."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import support

HERE = Path(__file__).resolve().parent
PATIENCE = 5  # seconds, after which an answer counts as missing
BARE = {
    "answered": "works",
    "error": "not done",
    "wrong": "wrong or missing",
    "hung": "hangs",
}
LIMIT = 60  # seconds, for what should take a few


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def until(happens, seconds=LIMIT):
    end = time.monotonic() + seconds
    while not (found := happens()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


@contextlib.contextmanager
def started(command, **settings):
    """In a session of its own, which is ended: asked first."""
    process = subprocess.Popen(
        [str(part) for part in command], stdin=subprocess.DEVNULL, start_new_session=True, **settings
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Http:
    """gunicorn or uwsgi."""

    def __init__(self, command, programs):
        self.port = free_port()
        self.command = [part.format(programs=programs, port=self.port) for part in command]

    def is_ready(self):
        with contextlib.suppress(OSError):
            return self.ask("/") == "answered"

    def ask(self, path, patience=PATIENCE):
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            asked.request("GET", path)
            return "answered" if asked.getresponse().status == 200 else "error"
        except TimeoutError:
            return "hung"
        except (OSError, http.client.HTTPException):
            return "error"
        finally:
            asked.close()


CLIENT = """
import sys, cases
from celery.exceptions import TimeoutError
try:
    cases.ask.delay(sys.argv[1]).get(timeout=float(sys.argv[2]))
    print("answered")
except TimeoutError:
    print("hung")
except Exception:
    print("error")
"""


class Celery:
    """With redis for its broker."""

    def __init__(self, command, programs, redis):
        self.python = programs / "python"
        self.command = [part.format(programs=programs) for part in command]
        self.variables = {"REDIS": redis, "C_FORCE_ROOT": "1"}

    def is_ready(self):
        return self.ask("/") == "answered"

    def ask(self, path, patience=PATIENCE):
        asked = subprocess.run(
            [self.python, "-c", CLIENT, path, str(patience)],
            env=support.environment(preload=False, extra={**self.variables, "CASE": "healthy"}),
            cwd=HERE / "servers",
            capture_output=True,
            text=True,
        )
        return asked.stdout.strip() or "error"
