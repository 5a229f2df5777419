# SPDX-License-Identifier: Apache-2.0
"""policy/known.policy says what the recorded runs show, and docs/runtimes.md says it, too."""

import re
import warnings

import known
import pytest
import recipes
import results
import runtimes
import telling

ENTRIES = known.read()
COLLECTED = {runtime.entry.name: runtime for runtime in runtimes.collect()}


def ran(runtime):
    """The runs that say something of an entry: those in which its threads were there, if in any."""
    own = [run for run in runtime.runs if any(each["name"] == runtime.entry.name for each in run["runtimes"])]
    return own or runtime.runs


def agrees(name, runs):
    """Whether runs of versions that a class is given to show it. Some uses of a lost runtime work: one must hang."""
    outcomes = {results.outcome(run["bare"]) for run in runs}
    bad = outcomes & set(results.BAD)
    return {
        "lost": bad,
        "reset": bad and any(results.outcome(run["reset"]) == "works" for run in runs),
        "survives": all(run["bare"]["children"].get("works", 0) * 2 > run["runs"] for run in runs),
        "refuses": outcomes & {"raises", "crashes"},
        "unknown": True,
    }[name]


def disagreement(runtime):
    """The first class that the table gives to versions whose runs show another one, or None."""
    by_class = {}
    for run in ran(runtime):
        name = runtime.entry.class_of(runtimes.version(run), run["environment"])
        by_class.setdefault(name, []).append(run)
    return next((name for name, runs in by_class.items() if not agrees(name, runs)), None)


@pytest.mark.parametrize("name", ENTRIES)
def test_each_entry_agrees_with_its_runs_or_says_why_there_is_none(name):
    runtime = COLLECTED[name]
    if not runtime.runs:
        assert runtime.entry.not_run, f"{name} has no run and no source line that ends 'not run here: REASON'"
        return
    assert runtime.entry.not_run is None, f"{name} was run, but says that it was not"
    assert disagreement(runtime) is None


@pytest.mark.parametrize("name", ENTRIES)
def test_each_entry_that_was_run_names_a_version_of_the_run(name):
    runtime = COLLECTED[name]
    seen = {runtimes.version(run) for run in runtime.runs}
    said = " ".join(runtime.entry.all("source"))
    assert not seen or any(version in said for version in seen) or re.search(r"3\.11", said), seen


@pytest.mark.parametrize("name", ENTRIES)
def test_what_does_not_survive_has_a_remedy(name):
    entry = ENTRIES[name]
    if {"lost", "refuses", "reset"} & {name for name, _ in entry.clauses}:
        assert entry.all("remedy") or entry.all("advice")
    for text in entry.all("advice"):
        found = re.match(r'pip install "\S+?(>=|<)(\S+)"', text)
        if found:
            bounds = [condition for _, conditions in entry.clauses for condition in conditions]
            assert any(found.group(2) in bound for bound in bounds), text


@pytest.mark.parametrize("name", ENTRIES)
def test_a_source_says_where_to_look_or_how_often_it_was_seen(name):
    said = " ".join(ENTRIES[name].all("source"))
    assert re.search(r"\d (of|times)|#\d|bug \d|not run here: \w", said), said


@pytest.mark.parametrize("name", [name for name, runtime in COLLECTED.items() if runtime.runs])
def test_a_row_of_the_page_does_not_contradict_itself(name):
    runtime = COLLECTED[name]
    bad = [run for run in runtime.runs if results.outcome(run["bare"]) in results.BAD]
    assert runtimes.remedies(runtime, ENTRIES) != (["none needed"] if bad else [])
    for run in bad:
        assert runtime.threads() != "none of its own" or all(each["name"] for each in run["runtimes"])
    ends = any(map(runtimes.left, runtime.runs))
    assert not ends or "os._exit()" in " ".join(runtimes.remedies(runtime, ENTRIES))


def test_the_values_of_a_variable_are_one_class_in_words():
    assert runtimes.classes(ENTRIES["tokenizers"]) == [
        "survives (TOKENIZERS_PARALLELISM is empty, 0, off, false, f, no, n)",
        "lost (TOKENIZERS_PARALLELISM is set)",
        "survives",
    ]


def test_each_way_that_is_told_of_wrongly_says_why_and_no_other():
    told, untold = telling.wrongly(telling.confusion(results.load(), ENTRIES))
    wrongly = {run["recipe"] for run in told + untold}
    assert {run["recipe"] for run in results.load() if run["why"]} == wrongly


def test_a_way_is_counted_apart_only_where_the_line_names_what_it_lets_alone_and_that_hangs():
    runs = results.load()
    for run in [run for run in runs if run["leaves"]]:
        names = [name for name in run["covers"] if run["leaves"] in ENTRIES[name].all("uses")]
        assert names, "leaves is what `uses` of the entry says"
        assert not re.search(r"\bmay\b", run["leaves"])
        beside = [each for each in runs if set(names) & set(each["covers"]) and each["versions"] == run["versions"]]
        assert "hangs" in {results.outcome(each["bare"]) for each in beside if not each["leaves"]}
        assert results.told(run) == "at the fork"


def way(name, bare, told, unused=None, unused_told=None, **more):
    """A run as results.jsonl has it, of which only that matters which is counted."""
    warn = {"children": {bare: 3}, "told": told == "at the fork", "hangs_told": {"proven": 3} if told == "when it hangs" else {}}
    if unused:
        said = {"told": unused_told == "at the fork", "hangs_told": {"strong": 1} if unused_told == "when it hangs" else {}}
        warn.update(unused={unused: 3}, unused_told=said)
    run = {"recipe": name, "covers": ["librdkafka"], "runtimes": [{"name": "librdkafka", "class": "lost"}], "versions": {"x": "1"}, "environment": {}}
    return {**run, "about": "does", "why": "so", "leaves": "", "bare": {"children": {bare: 3}}, "warn": warn, **more}


def test_a_line_counts_as_false_only_where_the_child_used_what_it_names():
    runs = [
        way("parents", "hangs", "at the fork"),
        way("own", "works", "at the fork", leaves="a producer or consumer of the parent"),
        way("false", "works", "at the fork"),
        way("later", "works", "when it hangs"),
    ]
    text = "\n".join(telling.default_policy(runs, ENTRIES))
    assert "of 4 that something is said of, 1 hang" in text
    assert "1 let alone what the line names, and 2 are told of falsely." in text
    apart, false = text.partition("(false)")[::2]
    assert "- own 1" in apart and "- false 1" in false and "- own 1" not in false


def test_children_that_use_nothing_are_counted_by_themselves():
    runs = [
        way("a", "hangs", "at the fork", "works", "at the fork"),
        way("b", "hangs", "at the fork", "hangs", "at the fork"),
        way("c", "works", "silent", "crashes", "silent"),
        way("d", "works", "silent", "hangs", "when it hangs"),
        way("e", "works", "silent", "works", "silent"),
        way("f", "works", "silent", "works", "when it hangs"),
        way("g", "works", "silent"),
    ]
    text = telling.unused(runs)
    assert "forked beside 6 of these ways" in text and "In 3 it hangs" in text
    assert "told at the fork: 1, there or when it does: 2" in text
    assert "In the other 3 it works, and 1 of these forks" in text and text.endswith("though it works: 1.")


def test_runs_of_an_older_shim_can_be_seen():
    """Not a mistake, but whoever changes a class sees which runs are of the shim before that."""
    behind = runtimes.behind(results.load(), ENTRIES)
    if behind:
        names = ", ".join(sorted({run["recipe"] for run in behind}))
        said = "are of a shim that had another class for them, or of one that git does not know"
        warnings.warn(f"{len(behind)} runs {said}: {names}", stacklevel=1)
    for line in runtimes.reclassed(results.load(), ENTRIES):
        assert line in runtimes.page()


def test_a_run_whose_shim_had_another_class_is_on_the_page():
    (run,) = [run for run in results.load() if run["recipe"] == "pulsar"]
    assert list(runtimes.reclassed([run], ENTRIES)) == []
    then = {**run, "head": "0123456789ab", "runtimes": [{**run["runtimes"][0], "class": "unknown"}]}
    (line,) = runtimes.reclassed([then], ENTRIES)
    assert line.endswith("pulsar was unknown to the shim of 0123456789ab, now it is lost")


@pytest.mark.skipif(not results.git("log", "-1"), reason="no git here")
def test_runs_whose_shim_may_have_had_another_class_are_found():
    (run,) = [run for run in results.load() if run["recipe"] == "pulsar"]
    (without,) = [run for run in results.load() if run["recipe"] == "sqlite3"]  # nothing is in its records
    had = run["runtimes"][0]
    runs = {
        "now": {**run, "head": results.head()},
        "another": {**run, "head": results.head(), "runtimes": [{**had, "class": "unknown"}]},
        "no head": {**run, "head": ""},
        "gone, but its class is recorded": {**run, "head": "0123456789ab"},
        "gone": {**without, "head": "0123456789ab"},
        "there": {**without, "head": results.head()},
    }
    found = runtimes.behind(runs.values(), ENTRIES)
    assert [name for name, each in runs.items() if each in found] == ["another", "no head", "gone"]


def test_a_way_with_threads_that_do_not_count_uses_nothing_of_that_class():
    (run,) = [run for run in results.load() if run["recipe"] == "polars-import"]
    assert telling.worst(run, ENTRIES) == "no threads"
    (used,) = [run for run in results.load() if run["recipe"] == "polars" and run["versions"]["polars"] == "2.1.0"]
    assert telling.worst(used, ENTRIES) == "lost"


def test_what_moved_is_on_the_page():
    run = {**results.load()[0], "moved": {"since": "2026-11-01", "version": ["1"], "lines": ["bare: 5 hangs -> 5 works"]}}
    assert list(runtimes.moves([run])) == [
        f"- {run['recipe']} 1 -> {runtimes.version(run)}, since 2026-11-01: bare: 5 hangs -> 5 works"
    ]


def test_an_entry_that_says_otherwise_is_found():
    """The check itself: each class beside a run that contradicts it."""
    for name, wrong in [("polars", "survives"), ("arrow", "lost"), ("libgomp", "refuses"), ("openblas", "reset")]:
        runtime = COLLECTED[name]
        entry = known.Entry(name, 1)
        entry.lines = dict(runtime.entry.lines, **{"class": [wrong]})
        assert disagreement(runtimes.Runtime(entry, runtime.runs))


def test_each_result_is_of_a_recipe_that_is_there():
    there = {(each.name, *each.named_versions().items()): results.described(each) for each in recipes.recipes()}
    for run in results.load():
        said = there[(run["recipe"], *run["versions"].items())]
        assert {name: run[name] for name in said} == said, "run: make knowledge RUNS=0"
        assert results.complete(run)


def test_the_page_is_current():
    written = (known.ROOT / "docs" / "runtimes.md").read_text()
    assert written == runtimes.page(), "run: make docs/runtimes.md"
