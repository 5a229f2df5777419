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


def test_what_is_said_of_a_child_that_uses_nothing_is_recorded_apart(tmp_path):
    """A line at each fork; the one child hangs, the other one does, too, as it leaves."""
    use = """import atexit, polars, threading, os
polars.DataFrame({"a": [1, 2] * 5000}).lazy().group_by("a").len().collect()
parent, lock = os.getpid(), threading.Lock()
lock.acquire()
atexit.register(lambda: os.getpid() == parent or lock.acquire())
def work():
    return os.getpid() == parent or (lock.acquire() and False)"""
    path = tmp_path / "both.toml"
    path.write_text(f'group = "wheels"\npackages = []\nrank = 0\nabout = "is"\npatience = 1\nuse = """\n{use}\n"""\n')
    result = {}
    python = environments.where("wheels") / "bin" / "python"
    results.add(result, "warn", *run.run_job(recipes.Recipe(path), python, "warn", 1))
    assert result["warn"]["children"] == {"hangs": 1} and result["warn"]["unused"] == {"hangs": 1}
    for said in (result["warn"], result["warn"]["unused_told"]):
        assert said["told"] and sum(said["hangs_told"].values()) == 1 and not said["crashes_told"]


def test_who_was_told_of_at_a_fork():
    def said(place):
        return f"forkpolicy: fork() allowed in pid 1 (python job.py): the child loses\nforkpolicy:   at      {place}\n"

    assert results.told_at("") == []
    assert results.told_at(said("/x/job.py:99 in by_exit") + "x\n" + said("/x/a.toml:3 in work")) == ["unused", "used"]


def test_what_the_machine_lacks_is_not_run_and_that_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(recipes.NEEDS, "gpu", ("a GPU", tmp_path / "none"))
    monkeypatch.setattr(environments, "make", None)  # no environment is made for it either
    monkeypatch.setattr("sys.argv", ["run.py", "--only", "cuda-torch,cuda-cupy,cuda-jax"])
    assert run.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert "cuda-jax (jax[cuda12]==0.10.2): not run here: needs a GPU" in lines
    assert len(lines) == len([each for each in ALL if each.needs]) and all(line.endswith("needs a GPU") for line in lines)


def test_where_there_is_a_gpu_its_recipes_lack_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(recipes.NEEDS, "gpu", ("a GPU", tmp_path))
    assert {each.lacks for each in ALL} == {""}


def test_the_newest_is_asked_for_by_name_but_what_is_held():
    found = recipes.recipes("torch,tqdm")
    assert environments.wanted("wheels", found, True) == ["torch==2.13.0", "tqdm"]
    assert environments.wanted("wheels", found, False) == ["torch==2.13.0", "tqdm==4.70.1"]


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
