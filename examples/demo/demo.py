"""Runs two jobs that hang after a fork: bare, then under the shim with each policy.

Prints what the shim says as it says it, and a table at the end. A time limit that
begins at the fork ends what hangs.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build"
LIMIT = float(os.environ.get("DEMO_SECONDS", "15"))

JOBS = [
    ("torch DataLoader over lancedb 0.30.2", "wheels", "dataloader_lancedb.py"),
    ("forked child reads deltalake 0.18.2", "deltalake", "deltalake_in_child.py"),
]
POLICIES = ["bare", "off", "warn", "fail", "refuse"]


def describe(status, records):
    """What happened, from the job's status (None: the limit ended it) and the shim's records."""
    for record in records:
        if record["event"] == "refused":
            site = record["site"]["user"]
            return f"refused at {Path(site['file']).name}:{site['line']}"
        if record["event"] == "hang" and record["outcome"] != "waits":
            site = record["waiting"]["site"]["user"]
            place = f"{Path(site['file']).name}:{site['line']}"
            return f"{record['outcome']} at {place}, {record['waiting']['seconds']:.2f} s into the wait"
    told = any(
        runtime["class"] == "lost" and runtime["action"] == "warn"
        for record in records
        for runtime in record.get("runtimes", [])
    )
    if status is None:
        return "told beforehand, then hangs, and told why" if told else "hangs"
    return "works" if status == 0 else f"exit {status}"


def has_forked(pid):
    """Whether a child of the process runs the same program."""
    try:
        own = Path(f"/proc/{pid}/cmdline").read_bytes()
        tasks = Path(f"/proc/{pid}/task").iterdir()
        children = [child for task in tasks for child in (task / "children").read_text().split()]
        return any(Path(f"/proc/{child}/cmdline").read_bytes() == own for child in children)
    except OSError:
        return False  # one of them has just ended


def wait_for(job):
    """The job's status; None where it goes on for LIMIT seconds after its first fork."""
    seen = 0  # one that goes on to another program (ldconfig, uname) is there for a moment only
    while job.poll() is None and seen < 25:
        seen = seen + 1 if has_forked(job.pid) else 0
        time.sleep(0.02)
    try:
        return job.wait(LIMIT)
    except subprocess.TimeoutExpired:
        return None


def run(environment, script, policy):
    """Runs one job; returns its outcome in words and the seconds it took."""
    command = [str(BUILD / "venv" / environment / "bin" / "python"), str(HERE / script)]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        if policy != "bare":
            shim = [str(BUILD / "forkpolicy"), "run", "--policy", policy]
            command = [*shim, "--log", str(log), "--", *command]
        shown = [
            os.path.relpath(part) if part.startswith(str(BUILD.parent)) else part
            for part in command
        ]
        print(f"\n$ {' '.join(shown)}", flush=True)
        start = time.monotonic()
        job = subprocess.Popen(command, start_new_session=True)
        status = wait_for(job)
        seconds = time.monotonic() - start
        try:
            os.killpg(job.pid, signal.SIGKILL)  # the workers too; the session is the job's own
        except ProcessLookupError:
            pass
        job.wait()
        lines = log.read_text().splitlines() if log.exists() else []
    return describe(status, [json.loads(line) for line in lines]), seconds


def main():
    rows = []
    for title, environment, script in JOBS:
        print(f"\n== {title}")
        for policy in POLICIES:
            rows.append((title, policy, *run(environment, script, policy)))
    rows.insert(0, ("job", "policy", "outcome", "seconds"))
    cells = [
        [str(round(cell, 1)) if isinstance(cell, float) else cell for cell in row] for row in rows
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(4)]
    print()
    for row in cells:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip())
    print(f"\nA job that hangs is ended {LIMIT:g} s after its fork (DEMO_SECONDS).")


if __name__ == "__main__":
    sys.exit(main())
