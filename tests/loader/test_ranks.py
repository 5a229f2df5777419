"""Ranks: where rank and world size come from. SPDX-License-Identifier: Apache-2.0"""

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

PYTHON = str(Path(__file__).resolve().parent.parent.parent / "python")
sys.path.insert(0, PYTHON)

from forkpolicy.loader import find_ranks  # noqa: E402


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    for name in "RANK", "WORLD_SIZE":
        monkeypatch.delenv(name, raising=False)
    for name in "torch.distributed", "ray.train":
        monkeypatch.delitem(sys.modules, name, raising=False)


def torch_says(monkeypatch, rank, world_size, initialised=True, available=True):
    module = types.SimpleNamespace(
        is_available=lambda: available,
        is_initialized=lambda: initialised,
        get_rank=lambda: rank,
        get_world_size=lambda: world_size,
    )
    monkeypatch.setitem(sys.modules, "torch.distributed", module)


def ray_says(monkeypatch, rank, world_size):
    context = types.SimpleNamespace(get_world_rank=lambda: rank, get_world_size=lambda: world_size)
    monkeypatch.setitem(
        sys.modules, "ray.train", types.SimpleNamespace(get_context=lambda: context)
    )


def environment_says(monkeypatch, **values):
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_nothing_says():
    assert find_ranks() == (0, 1)


def test_given(monkeypatch):
    environment_says(monkeypatch, RANK="1", WORLD_SIZE="2")
    assert find_ranks(3, 7) == find_ranks(world_size=7, rank=3) == (3, 7)
    for arguments, said in [
        ({"rank": 0}, "belong together: world_size is missing"),
        ({"world_size": 2}, "belong together: rank is missing"),
        ({"rank": 2, "world_size": 2}, "rank must be less than 2, not 2"),
        ({"rank": -1, "world_size": 2}, "rank must be at least 0"),
        ({"rank": 0, "world_size": 0}, "world_size must be at least 1"),
    ]:
        with pytest.raises(ValueError, match=said):
            find_ranks(**arguments)
    with pytest.raises(TypeError, match="rank must be an int, not str"):
        find_ranks("0", 2)


def test_first_torch_then_ray_then_the_environment(monkeypatch):
    environment_says(monkeypatch, RANK="1", WORLD_SIZE="2")
    assert find_ranks() == (1, 2)
    ray_says(monkeypatch, 2, 3)
    assert find_ranks() == (2, 3)
    torch_says(monkeypatch, 3, 4, initialised=False)
    assert find_ranks() == (2, 3)
    torch_says(monkeypatch, 3, 4, available=False)
    assert find_ranks() == (2, 3)
    torch_says(monkeypatch, 3, 4)
    assert find_ranks() == (3, 4)
    torch_says(monkeypatch, 0, 1)  # it is initialised: that is an answer
    assert find_ranks() == (0, 1)


@pytest.mark.parametrize("rank, world_size", [(None, None), (0, 1)])
def test_outside_of_rays_workers(monkeypatch, rank, world_size):
    ray_says(monkeypatch, rank, world_size)
    assert find_ranks() == (0, 1)
    environment_says(monkeypatch, RANK="1", WORLD_SIZE="2")
    assert find_ranks() == (1, 2)


def test_ray_raises_outside_of_its_workers(monkeypatch):
    def raises():
        raise RuntimeError("TrainContext has not been initialized")

    monkeypatch.setitem(sys.modules, "ray.train", types.SimpleNamespace(get_context=raises))
    assert find_ranks() == (0, 1)


@pytest.mark.parametrize(
    "values, said",
    [
        ({"RANK": "1"}, "RANK is set in the environment, WORLD_SIZE is not"),
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE is set in the environment, RANK is not"),
        ({"RANK": "", "WORLD_SIZE": "2"}, "WORLD_SIZE is set in the environment, RANK is not"),
        ({"RANK": "one", "WORLD_SIZE": "2"}, "RANK='one' in the environment is no whole number"),
        ({"RANK": "-1", "WORLD_SIZE": "2"}, "RANK='-1' in the environment is no whole number"),
        ({"RANK": "0", "WORLD_SIZE": "2.0"}, "WORLD_SIZE='2.0' in the environment is no whole"),
        ({"RANK": "0", "WORLD_SIZE": "9" * 5000}, "WORLD_SIZE='9.* in the environment is no whole"),
        (
            {"RANK": "2", "WORLD_SIZE": "2"},
            "RANK=2 in the environment is not less than WORLD_SIZE=2",
        ),
        (
            {"RANK": "0", "WORLD_SIZE": "0"},
            "RANK=0 in the environment is not less than WORLD_SIZE=0",
        ),
    ],
)
def test_nonsense_in_the_environment(monkeypatch, values, said):
    environment_says(monkeypatch, **values)
    with pytest.raises(ValueError, match=said):
        find_ranks()


def start(code):
    env = {**os.environ, "PYTHONPATH": PYTHON}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code], env=env, stdout=pipe, text=True)


def test_torch_is_not_imported():
    code = "import sys; from forkpolicy.loader import find_ranks; print(find_ranks());"
    child = start(code + "print('torch' in sys.modules)")
    assert child.communicate(timeout=120)[0].split("\n") == ["(0, 1)", "False", ""]


def test_of_a_real_process_group(tmp_path):
    pytest.importorskip("torch")
    code = (
        "import torch.distributed as d; from forkpolicy.loader import find_ranks\n"
        "before = find_ranks()\n"
        f"store = d.FileStore({str(tmp_path / 'store')!r}, 2)\n"
        "d.init_process_group('gloo', store=store, rank=%d, world_size=2)\n"
        "print(before, find_ranks())"
    )
    children = [start(code % rank) for rank in range(2)]
    said = [child.communicate(timeout=240)[0] for child in children]
    assert said == ["(0, 1) (0, 2)\n", "(0, 1) (1, 2)\n"]
