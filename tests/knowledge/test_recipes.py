# SPDX-License-Identifier: Apache-2.0
"""The recipes are small and whole, and ten of them do today what was recorded of them."""

import itertools
import json
import os
import re
import time

import environments
import known
import pytest
import recipes
import results
import run
import watch

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
    assert recipe.about
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


def test_every_policy_that_changes_forked_children_is_run():
    assert run.policies() == ["bare", "warn", "fail", "reset", "carry"]


def a_child_that_wakes_up():
    """It is woken 20 times a second, and does nothing, as one whose wait the shim looks at."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        while True:
            time.sleep(0.05)
    return child


@pytest.mark.parametrize("outcome, given_up_as", [("waits", "asleep"), ("grace", "awake")])
def test_a_child_whose_wait_was_told_is_given_up_at_once(outcome, given_up_as, tmp_path, monkeypatch):
    monkeypatch.setenv("FORKPOLICY_LOG", str(tmp_path / "log"))
    child = a_child_that_wakes_up()
    record = {"event": "hang", "pid": child, "verdict": "strong", "outcome": outcome}
    (tmp_path / "log").write_text(json.dumps(record) + '\n{"event": "half wri')
    status, why, _ = watch.until_end_or_hang(child, patience=0.5, limit=3)
    assert (status, why) == (None, given_up_as)


def test_seconds_without_a_processor_do_not_count(tmp_path, monkeypatch):
    monkeypatch.delenv("FORKPOLICY_LOG", raising=False)
    clock = itertools.count()
    monkeypatch.setattr(watch, "delayed", lambda pid: min(3, 0.1 * next(clock)))
    began = time.monotonic()
    _, why, delay = watch.until_end_or_hang(a_child_that_wakes_up(), patience=60, limit=1)
    assert (why, delay) == ("awake", 3) and time.monotonic() - began > 3  # and no more than twice the limit


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
        path.write_text(f'group = "wheels"\npackages = []\nrank = 0\nabout = "is"\npatience = 0.5\nuse = """\n{use}\n"""\n')
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
    assert told[1:] == [f"zstandard: bare: {results.counted(before['bare'])} -> 5 works"]
    assert results.moved({**before, "recipe": "new"}) == "new: never run before\n"


def test_what_moved_is_kept_with_the_result(tmp_path, monkeypatch):
    (before,) = [each for each in results.load() if each["recipe"] == "zstandard"]
    monkeypatch.setattr(results, "FILE", tmp_path / "results")
    results.store({**before, "date": "2026-11-01"})
    after = {**before, "bare": {**before["bare"], "children": {"works": 5}}}
    results.store(after)
    results.store({**after, "date": "2026-11-30"})
    (now,) = results.load()
    assert now["date"] == "2026-11-30" and now["moved"]["since"] == "2026-11-01"
    assert now["moved"]["lines"] == [f"bare: {results.counted(before['bare'])} -> 5 works"]
