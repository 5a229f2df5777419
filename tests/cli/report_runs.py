"""Runs of `forkpolicy report`, and logs for it. SPDX-License-Identifier: Apache-2.0"""

import json
import subprocess
from pathlib import Path

from support import PROGRAM, environment

HERE = Path(__file__).resolve().parent
LOGS = HERE / "logs"

CI = {"GITHUB_WORKSPACE": "/home/me/project", "CI_PROJECT_DIR": "/home/me/project/"}
BOTH = ["train.jsonl", "loader.jsonl"]


def report(*arguments, env=None, cwd=LOGS, stdin=subprocess.DEVNULL):
    settings = environment(preload=False, extra=env)
    if "GITHUB_STEP_SUMMARY" not in (env or {}):
        settings.pop("GITHUB_STEP_SUMMARY", None)
    return subprocess.run(
        [str(PROGRAM), "report", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env=settings,
        cwd=cwd,
        stdin=stdin,
    )


def write_log(path, *records):
    lines = (record if isinstance(record, str) else json.dumps(record) for record in records)
    path.write_text("".join(line + "\n" for line in lines))
    return path


def record(event="start", **members):
    return {
        "v": 1,
        "event": event,
        "time": 1795263800.5,
        "pid": 7,
        "ppid": 1,
        "host": "h",
        "rank": None,
        **members,
    }


def samples(name):
    return [json.loads(line) for line in (LOGS / name).read_text().splitlines()]
