"""Loader: the same global batches whatever the ranks and workers, and on which the run goes on.

SPDX-License-Identifier: Apache-2.0
"""

import json
import random
import subprocess
import sys

import pytest
import torch
from elastic import WORLDS, check, keep, read
from loaders import JOBS, ROWS, environment, flat, table

from forkpolicy.loader import Loader

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("group", range(4))
def test_random_topologies(group):
    """40 runs, each resumed under another topology."""
    for seed in range(group, 40, 4):
        try:
            check(random.Random(seed), pieces_most=2)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error}") from error


@pytest.mark.parametrize("workers", range(4))
def test_every_world(workers):
    options = {"shuffle": True, "global_batch_size": 12}
    expected, tokens = read(table(), options, 1, {"workers": 0}, None)
    assert sorted(flat(expected)) == list(range(ROWS))
    for world in WORLDS:
        how = {"workers": workers, "transform": keep if world % 2 else None}
        at = (world + 5 * workers) % len(expected) if world > 1 else 0
        rest = read(table(), options, world, how, tokens[at])
        assert rest == (expected[at:], tokens[at:])


def test_each_rank_has_its_batch():
    """batch_size is of one rank: two of 5 go on where one of 10 was, and one of 7 behind them."""
    one = Loader(table(), 10, shuffle=True)
    every = flat(batch["id"].tolist() for batch in one)
    one.set_epoch(0)
    next(iter(one))
    ranks = [Loader(table(), 5, shuffle=True, rank=rank, world_size=2) for rank in range(2)]
    found = []
    for loader in ranks:
        loader.resume(one.token())
        found.append(next(iter(loader))["id"].tolist())
    assert flat(found) == every[10:20] and ranks[0].token() == ranks[1].token()
    last = Loader(table(), 7, shuffle=True)
    last.resume(ranks[1].token())
    assert flat(batch["id"].tolist() for batch in last) == every[20:]


def torchrun(ranks, *arguments):
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}",
        str(JOBS / "ranks.py"), *map(str, arguments),
    ]  # fmt: skip
    env = environment(OMP_NUM_THREADS="1")
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=100)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this torch has no gloo")
def test_torchrun(tmp_path):
    """Two ranks read some steps, by workers of ours and of torch's; this process goes on."""
    torchrun(2, tmp_path / "two")
    two = json.loads((tmp_path / "two").read_text())
    loader = Loader(table(), global_batch_size=12, shuffle=True, seed=4)
    expected = [batch["id"].tolist() for batch in loader]
    assert two["ranks"] == [[0, 2], [1, 2]] and len(two["tokens"]) == 1
    assert two["batches"] == expected[:4] and two["by_torch"] == expected[4:]
    loader.resume(two["tokens"][0])
    assert [batch["id"].tolist() for batch in loader] == expected[4:]
