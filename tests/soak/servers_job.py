# SPDX-License-Identifier: Apache-2.0
"""A job of servers/jobs.py: what becomes of the process that it forks."""

import contextlib
import signal
from pathlib import Path

import servers_run as run
import support

HERE = Path(__file__).resolve().parent
HANGS = 8  # seconds after the fork, for a child that needs less than one


@contextlib.contextmanager
def working(table, use, *prefix):
    """(its process, what it has said so far), from the fork on."""
    said = table.folder / "said"
    with open(said, "w") as stream:
        settings = {"env": table.variables("job", use), "cwd": HERE / "servers"}
        command = [*prefix, table.programs / "python", "jobs.py"]
        with run.started(command, stdout=stream, stderr=stream, **settings) as process:
            run.until(lambda: "forked" in said.read_text() or process.poll() is not None, 2 * run.LIMIT)
            table.check(said)
            if "forked" not in said.read_text():
                raise AssertionError(said.read_text())
            run.until(lambda: process.poll() is not None, HANGS)
            yield process, said.read_text


def status_of_child(text):
    found = [line.split()[1] for line in text.splitlines() if line.startswith("child ")]
    return int(found[-1]) if found else None


def bare(status):
    if status is None:
        return "hangs"
    if status == 0:
        return "works"
    return f"crashes, {signal.Signals(-status).name}" if status < 0 else "error"


def policy(table, use, name):
    log = table.folder / "log"
    log.unlink(missing_ok=True)
    with working(table, use, *table.prefix(use, name, log)) as (_, said):
        text, status = said(), status_of_child(said())
    outcomes = {each["outcome"] for each in support.read_log(log) if each["event"] == "hang"}
    told = "forkpolicy: " in text
    if "raised" in outcomes:
        return "error in the child"
    if outcomes & {"exited", "again", "aborted"}:
        return "child ended"
    if status == 0:
        return "works, told at the fork" if told else "works"
    return bare(status) + (", told" if told else ", silent")


def ci(table, use):
    prefix = [support.PROGRAM, "run", "--ci", "--ci-report", table.folder, "--"]
    with working(table, use, *prefix) as (process, _):
        run.until(lambda: process.poll() is not None, 20)
        return f"ended, {process.returncode}" if process.returncode is not None else "goes on"


def cell(table, use, way):
    if way == "bare":
        with working(table, use) as (_, said):
            return bare(status_of_child(said()))
    if way == "--ci":
        return ci(table, use)
    if way == "explain":
        with working(table, use) as (process, _):
            return table.explained(process, "jobs.py") if process.poll() is None else "no hang"
    return policy(table, use, way)


