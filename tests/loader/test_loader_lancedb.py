"""Loader: LanceDB's tables as sources, where LanceDB's own reading does not live through forks.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import signal
import subprocess

import pytest
from loaders import JOBS, ROOT, environment


pytestmark = pytest.mark.timeout(300)
ENVIRONMENTS = "wheels", "lancedb"  # of 0.30.2, of 0.40
WAYS = "permutation", "dataset", "workers"


def run(name, where, *ways):
    """What the job says of each way; what it has not come to is missing."""
    python = ROOT / "build" / "venv" / name / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{python} is missing: make environments")
    command = [str(python), "-W", "ignore", str(JOBS / "lancedb_fork.py"), where, *ways]
    env = environment(OMP_NUM_THREADS="1")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    job = subprocess.Popen(command, env=env, start_new_session=True, **pipes)
    try:
        out, err = job.communicate(timeout=240)
        found = [json.loads(line) for line in out.splitlines()]
        return {said["way"]: said["ended"] for said in found} or f"{job.returncode}: {err}"
    finally:
        try:
            os.killpg(job.pid, signal.SIGKILL)  # a session of its own: only what it has started
        except ProcessLookupError:
            pass
        job.communicate()


@pytest.mark.parametrize("where", ["memory", "disk"])
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_read_to_the_end(name, where):
    assert run(name, where, *WAYS) == dict.fromkeys(WAYS, "well")
