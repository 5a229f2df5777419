# SPDX-License-Identifier: Apache-2.0
"""`make servers` that is broken off leaves nothing running, and what it has seen is kept."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import servers_environment
import servers_page
import servers_rows
import servers_table

HERE = Path(__file__).resolve().parent


def marked(mark):
    """{pid: name} of the living processes that have it in their environment, or work in a folder of this name.

    redis and postgres write over their environment.
    """
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in os.readlink(folder / "cwd") or mark.encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "comm").read_text().strip()
    return found


def until(happens, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if happens():
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def folder():
    """Into which postgres, another user, may go."""
    with tempfile.TemporaryDirectory(prefix="broken-off-") as made:
        os.chmod(made, 0o711)
        yield Path(made)


@pytest.mark.parametrize("way", ["SIGINT", "SIGTERM", "SIGKILL", "SIGKILL of its group"])
def test_nothing_is_left(way, folder):
    """Once all services and a server are there."""
    servers_environment.programs()
    mark = folder.name
    command = [sys.executable, "-B", HERE / "servers_table.py", "celery/healthy", "sync/sqlalchemy", "sync/grpc_channel"]
    process = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(folder)}, start_new_session=True)
    try:
        assert until(lambda: {"redis-server", "postgres", "gunicorn"} <= set(marked(mark).values())), marked(mark)
        number = signal.Signals[way.split()[0]]
        (os.killpg if "group" in way else os.kill)(process.pid, number)
        process.wait(60)
        assert until(lambda: not marked(mark), 20), marked(mark)
    finally:
        for pid in [process.pid, *marked(mark)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
    if number != signal.SIGKILL:
        assert not list(folder.iterdir())


def test_rows_are_kept(monkeypatch, tmp_path):
    rows = servers_rows.ROWS[:3]
    run = []

    class Table:
        def row(self, *row):
            run.append(row)
            if len(run) == 3:
                raise KeyboardInterrupt
            return ["works"] * len(servers_rows.WAYS)

    monkeypatch.setattr(servers_page, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(servers_page, "PAGE", tmp_path / "page")
    servers_page.PAGE.write_text("")
    monkeypatch.setattr(servers_page, "program", lambda: "this one")
    monkeypatch.setattr(servers_rows, "ROWS", rows)
    monkeypatch.setattr(servers_table, "table", lambda wanted: contextlib.nullcontext(Table()))
    with pytest.raises(KeyboardInterrupt):
        servers_table.main(["--write"])
    servers_table.main(["--write"])
    assert run == [*rows, rows[-1]] and set(servers_page.read()) == set(rows)
