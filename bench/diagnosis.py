# SPDX-License-Identifier: Apache-2.0
"""What each tool tells of one hang. Usage: diagnosis.py

A job uses polars, forks, and its child uses polars: the child waits for threads that stayed in the
parent. Each tool looks at the same hang; what it says is searched for what a user needs to know.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("BUILD", ROOT / "build")).resolve()
PEERS = BUILD / "venv/peers/bin"
PROGRAM = BUILD / "forkpolicy"
JOB = """
import faulthandler, os, sys
import polars
frame = polars.DataFrame({"key": [1, 2, 3] * 1000, "value": [1.0] * 3000})
def use():
    return frame.group_by("key").agg(polars.col("value").sum()).height
use()
def test_hang():
    child = os.fork()
    if child == 0:
        if "FAULTHANDLER" in os.environ:
            faulthandler.dump_traceback_later(1)
        os._exit(use() != 3)
    assert os.waitpid(child, 0)[1] == 0
if __name__ == "__main__":
    test_hang()
"""
LIMIT = 30

# What a user needs, and the words by which it is known to be told.
NEEDED = {
    "waiting line": lambda text, lines: f"job.py:{lines['use']}" in text
    or f'job.py", line {lines["use"]}' in text,
    "library": lambda text, lines: "polars" in text.replace("import polars", ""),
    "version": lambda text, lines: "2.1.0" in text,
    "lost threads": lambda text, lines: "lost" in text and "thread" in text,
    "fork's line": lambda text, lines: f"job.py:{lines['fork']}" in text,
    "can it end": lambda text, lines: "can never go on" in text,
    "what to do": lambda text, lines: "spawn" in text,
}


def lines_of_job():
    rows = JOB.splitlines()
    return {
        "use": next(i for i, row in enumerate(rows, 1) if "return frame" in row),
        "fork": next(i for i, row in enumerate(rows, 1) if "os.fork()" in row),
    }


def run(command, **environment):
    """What a command says, which is killed with all that it started when it hangs itself."""
    process = subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "PATH": f"{PEERS}:{os.environ['PATH']}", **environment},
    )
    begun = time.monotonic()
    try:
        said = process.communicate(timeout=LIMIT)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said = process.communicate()[0]
    return said, time.monotonic() - begun


class Hanging:
    """The job, run bare, when its child has come to its wait."""

    def __init__(self, path):
        self.process = subprocess.Popen([PEERS / "python", path], start_new_session=True)
        time.sleep(3)
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.child = int(children.read_text().split()[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def looks(path):
    """(tool, what it said, seconds until then)"""
    with Hanging(path) as job:
        for who, pid in (("parent", job.process.pid), ("child", job.child)):
            yield f"py-spy dump --native, {who}", *run(
                [PEERS / "py-spy", "dump", "--native", "--pid", pid]
            )
            yield f"pystack remote --native, {who}", *run(
                [PEERS / "pystack", "remote", "--native", pid]
            )
        yield "forkpolicy explain, parent or child", *run([PROGRAM, "explain", job.process.pid])
    said = run(["timeout", "-s", "KILL", "8", PEERS / "python", path], FAULTHANDLER="1")
    yield "faulthandler in the child", *said
    pytest = [PEERS / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    yield "pytest-timeout (8 s)", *run([*pytest, "--timeout", "8", path])
    yield "forkpolicy run --ci -- pytest", *run([PROGRAM, "run", "--ci", "--", *pytest, path])
    yield "forkpolicy run --policy fail", *run(
        [PROGRAM, "run", "--policy", "fail", "--", PEERS / "python", path]
    )


def main():
    lines = lines_of_job()
    path = BUILD / "bench/job.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(JOB)
    print("| tool |", " | ".join(NEEDED), "| seconds |")
    print("|---|" + "---|" * (len(NEEDED) + 1))
    for tool, said, seconds in looks(path):
        cells = ["yes" if told(said, lines) else "-" for told in NEEDED.values()]
        print(f"| {tool} |", " | ".join(cells), f"| {seconds:.1f} |", flush=True)
        if "-v" in sys.argv[1:]:
            print(said)


if __name__ == "__main__":
    main()
