"""Loader: in accelerate, Fabric, Lightning and transformers each row comes exactly once, or an
error says why not. SPDX-License-Identifier: Apache-2.0
"""

import json
import socket
import subprocess

import pytest
from loaders import JOBS, ROOT, environment

pytestmark = pytest.mark.timeout(300)
PYTHON = ROOT / "build" / "venv" / "loader" / "bin" / "python"
ALL = list(range(240))


def run(folder, ways, ranks=1):
    """{way: what rank 0 says of it}"""
    if not PYTHON.exists():
        pytest.skip(f"{PYTHON} is missing: make environments")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = str(one.getsockname()[1])
    command = [str(PYTHON), "-W", "ignore", str(JOBS / "trainers.py"), str(folder), *ways]
    group = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(ranks)}
    group = group if ranks > 1 else {}
    env = environment(OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    jobs = [
        subprocess.Popen(
            command, env={**env, **group, **({"RANK": str(rank), "LOCAL_RANK": str(rank)} if group else {})}, **pipes
        )
        for rank in range(ranks)
    ]  # fmt: skip
    try:
        out, err = jobs[0].communicate(timeout=240)
        said = [json.loads(line) for line in out.splitlines() if line.startswith('{"way"')]
        return {one["way"]: one.get("rows", one.get("error")) for one in said} or err
    finally:
        for job in jobs:
            job.kill()
            job.communicate()


def test_accelerate_on_two_ranks(tmp_path):
    found = run(tmp_path, ["prepared_loader", "prepared_permutation"], ranks=2)
    assert found == {"prepared_loader": ALL, "prepared_permutation": ALL}


def test_accelerate_shares_nothing_out_twice(tmp_path):
    found = run(tmp_path, ["prepared_dataset"], ranks=2)
    assert found["prepared_dataset"].startswith("RuntimeError: accelerate's ")
    assert run(tmp_path, ["prepared_dataset"]) == {"prepared_dataset": ALL}


def test_one_process(tmp_path):
    ways = ["fabric", "lightning", "transformers"]
    assert run(tmp_path, ways) == dict.fromkeys(ways, ALL)
