# SPDX-License-Identifier: Apache-2.0
"""The recipes are small and whole, and ten of them do today what was recorded of them."""

import json
import re

import environments
import known
import pytest
import recipes
import results
import run

# Of each outcome some, among those whose environments the other tests need as well.
TODAY = [
    "polars",
    "sklearn",
    "arrow",
    "duckdb",
    "ThreadPoolExecutor",
    "multiprocessing-queue",
    "asyncio",
    "obstore",
    "zarr",
    "tokenizers-parallel",
]
ALL = recipes.recipes()


@pytest.mark.parametrize("recipe", [each for each in ALL if not each.old], ids=lambda recipe: recipe.name)
def test_a_recipe_is_small_and_whole(recipe):
    assert len(recipe.path.read_text().splitlines()) <= recipes.LINES
    assert set(recipe.text) <= recipes.KEYS
    assert "def work():" in recipe.text["use"]
    for package in recipe.packages:
        assert re.fullmatch(r"[\w.-]+(\[[\w,]+\])?==[\w.+]+", package)
    for name in recipe.covers:
        assert name in known.read()


@pytest.mark.parametrize("name", TODAY)
def test_it_does_what_was_recorded(name, tmp_path):
    (recipe,) = [each for each in ALL if each.name == name and not each.old]
    python = environments.make(recipe.group, [])
    with open(tmp_path / "raw", "w") as raw:
        today = run.run_recipe(recipe, python, 1, raw)
    assert results.complete(today)
    (recorded,) = [each for each in results.load() if results.key(each) == results.key(today)]
    for policy in run.policies():
        assert results.outcome(today[policy]) == results.outcome(recorded[policy]), policy
    assert today["warn"]["told"] == recorded["warn"]["told"]
    assert {each["name"] for each in today["runtimes"]} == {each["name"] for each in recorded["runtimes"]}


def test_a_child_that_crashes_or_answers_wrongly_is_seen(tmp_path):
    """The job itself: each outcome that a recipe can have."""
    uses = {
        "works": "def work():\n    return 1",
        "raises": "import os\nparent = os.getpid()\ndef work():\n    return 1 if os.getpid() == parent else 1 / 0",
        "wrong": "import os\ndef work():\n    return os.getpid()",
        "crashes": "import os\nparent = os.getpid()\ndef work():\n    os.getpid() == parent or os.kill(os.getpid(), 11)",
        "hangs": "import threading\nlock = threading.Lock()\ndef work():\n    return 1\ndef child():\n    lock.acquire(); lock.acquire()",
    }
    for wanted, use in uses.items():
        path = tmp_path / f"{wanted}.toml"
        path.write_text(f'group = "wheels"\npackages = []\nrank = 0\npatience = 0.5\nuse = """\n{use}\n"""\n')
        python = environments.where("wheels") / "bin" / "python"
        children, _, _, parent = run.run_job(recipes.Recipe(path), python, "bare", 1)
        assert (children[0]["outcome"], children[1]["outcome"], parent) == (wanted, "works", "works"), json.dumps(children)


def test_only_environments_of_its_own_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(environments, "BUILD", tmp_path)
    for group in ("wheels", "arrays"):
        environments.where(group).mkdir(parents=True)
        environments.remove(group)
    assert environments.where("wheels").exists() and not environments.where("arrays").exists()


def test_what_moved_is_told():
    (before,) = [each for each in results.load() if each["recipe"] == "zstandard"]
    assert results.moved(before) == ""
    after = {**before, "versions": {"zstandard": "99"}, "bare": {**before["bare"], "children": {"works": 5}}}
    told = results.moved(after).splitlines()
    assert told[0] == f"zstandard: {before['versions']} -> {{'zstandard': '99'}}"
    assert told[1:] == ["zstandard: bare: 5 hangs -> 5 works"]
    assert results.moved({**before, "recipe": "new"}) == "new: never run before\n"
