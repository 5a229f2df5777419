# SPDX-License-Identifier: Apache-2.0
"""warn: one block for a fork site, that says who is lost, where and what to do, and is right."""

import os
import re
from pathlib import Path

import pytest

from python_jobs import JOBS, answer, is_python, normal, run_job, site_packages, versions

GOLDEN = Path(__file__).parent / "golden"
JOB = JOBS / "warned.py"


def warned(case, tmp_path, environment="wheels", **settings):
    return run_job(
        "warned.py", case, environment=environment, log=tmp_path / "log", tmp=tmp_path, **settings
    )


def blocks(outcome):
    """The blocks of what the shim said: a head, and (label, text) for each line below it."""
    found = []
    for line in outcome.said:
        part = re.fullmatch(r"forkpolicy:   (\w*) +(.*)", line)
        if part:
            found[-1][1].append(part.groups())
        else:
            found.append((line, []))
    return found


def line_of(text):
    """The number of the one line of the job that holds TEXT."""
    numbers = [i for i, line in enumerate(JOB.read_text().splitlines(), 1) if text in line]
    assert len(numbers) == 1
    return numbers[0]


def told(record):
    """The runtimes of a record that something is said of."""
    return [runtime for runtime in record["runtimes"] if "advice" in runtime]


def below_site(path, environment):
    """A path as the message shows it: installed code below site-packages, other code whole."""
    folder = f"{site_packages(environment)}/"
    return path.removeprefix(folder)


def way_out(advice):
    """The entries for FORKPOLICY that are told."""
    (text,) = [text for text in advice if text.startswith("add ")]
    return set(
        re.fullmatch(r"add (\S+) to FORKPOLICY, where the child never uses (it|them)", text)[
            1
        ].split(",")
    )


def check_block(block, record, environment):
    """The block holds what the record holds, and the record what pip and the kernel say."""
    head, lines = block
    said = {label: [text for each, text in lines if each == label] for label, _ in lines}
    lost = told(record)
    assert f"{record['call']}() allowed in pid {record['pid']} (python {JOB})" in head
    assert f"loses {record['threads'] - 1} of {record['threads']} threads" in head
    (at,) = said["at"]
    user = record["site"]["user"]
    assert at.startswith(f"{user['file']}:{user['line']} in {record['site']['function']}")
    assert len(said["lost"]) == len(lost)
    for text, runtime in zip(said["lost"], lost):
        installed = versions(environment)[normal(runtime["package"])]
        assert f"{runtime['package']} {installed}" in text and runtime["version"] == installed
        assert runtime["name"] in text
        plural = "" if runtime["threads"] == 1 else "s"
        counted = f"{runtime['threads']} {runtime['kind']} thread{plural} ({runtime['names']})"
        assert counted in text
        if runtime["started"]:
            assert f"started at {below_site(runtime['started'], environment)}" in text
        if not is_python(runtime["dso"]):
            assert below_site(runtime["dso"], environment) in text
        for advice in runtime["advice"]:
            assert said["or"].count(advice) == 1
        assert runtime["source"] in said["source"]
        assert runtime["class"] == "lost"
        assert way_out(said["or"]) & {f"off:{runtime['name']}", f"off:{runtime['package']}"}
    for runtime in record["runtimes"]:
        if runtime not in lost:
            assert any(runtime["name"] in text for text in said["other"])
    assert len(said["do"]) == 1


def check_says_once(outcome, environment, sites=1):
    """As many blocks as fork sites, each the words of its record; what hangs says so besides."""
    said = [block for block in blocks(outcome) if " can never go on: " not in block[0]]
    assert len(said) == sites, outcome
    records = {}
    for record in outcome.of("fork"):
        user = record["site"]["user"]
        records.setdefault((user["file"], user["line"]), record)
    assert len(records) == sites
    for block, record in zip(said, records.values()):
        check_block(block, record, environment)
    return [said for _, said in said]


@pytest.mark.parametrize("policy", [None, "warn"])
def test_one_block_for_a_line_however_many_workers(policy, tmp_path):
    outcome = warned("polars", tmp_path, policy=policy)
    assert outcome.status == 0, outcome
    (lines,) = check_says_once(outcome, "wheels")
    at = dict(lines)["at"]
    assert at.startswith(f"{JOB}:{line_of('worker.start()')} in start_many, ")
    assert "through multiprocessing/process.py:" in at
    assert 'multiprocessing.set_start_method("forkserver")' in dict(lines)["do"]
    forks = outcome.of("fork")
    assert len(forks) == 10  # every fork is in the log
    assert len({record["child"] for record in forks}) == 10


def test_one_block_for_each_line(tmp_path):
    outcome = warned("polars_at_two_lines", tmp_path)
    assert outcome.status == 0, outcome
    first, second = check_says_once(outcome, "wheels", sites=2)
    assert dict(first)["at"].startswith(f"{JOB}:{line_of('first = os.fork()')} in ")
    assert dict(second)["at"].startswith(f"{JOB}:{line_of('second = os.fork()')} in ")
    assert len(outcome.of("fork")) == 4


def test_pool(tmp_path):
    outcome = warned("polars_in_a_pool", tmp_path)
    assert (outcome.status, outcome.stdout) == (0, "[1, 2, 3]\n")
    check_says_once(outcome, "wheels")
    assert len(outcome.of("fork")) == 3


def test_polars_child_does_hang(tmp_path):
    outcome = warned("polars_child", tmp_path)
    assert answer(outcome) == {"hangs": True}
    check_says_once(outcome, "wheels")


def test_loader_over_a_lancedb_permutation(tmp_path):
    outcome = warned("lancedb_loader", tmp_path)
    assert answer(outcome) == {"error": "DataLoader timed out after 4 seconds"}
    (lines,) = check_says_once(outcome, "wheels")
    at = dict(lines)["at"]
    assert at.startswith(f"{JOB}:{line_of('for _ in DataLoader(')} in lancedb_loader")
    assert "through torch/utils/data/dataloader.py:" in at
    assert dict(lines)["do"].startswith('DataLoader(..., multiprocessing_context="forkserver")')
    assert len(outcome.of("fork")) == 2
    names = {runtime["name"] for runtime in told(outcome.of("fork")[0])}
    assert names == {"lancedb", "lancedb-loop"}


def normalised(text):
    """A block as it is on every machine: no pid, no numbers of threads, no folders."""
    text = text.replace(str(JOBS), "JOBS")
    text = re.sub(r"in pid \d+", "in pid PID", text)
    text = re.sub(r"loses \d+ of \d+ threads", "loses N of M threads", text)
    text = re.sub(r"\b\d+ tokio threads?", "N tokio threads", text)
    text = re.sub(r"warned\.py:\d+", "warned.py:LINE", text)
    # The order of what is fine is that in which it was first used.
    return re.sub(
        r"(other +)(.*)(: safe after a fork)",
        lambda part: part[1] + ", ".join(sorted(part[2].split(", "))) + part[3],
        text,
    )


def test_deltalake_in_words(tmp_path):
    """Golden: set UPDATE_GOLDEN to write it anew."""
    outcome = warned("deltalake", tmp_path, environment="deltalake")
    assert answer(outcome) == {"hangs": True}
    check_says_once(outcome, "deltalake")
    golden = GOLDEN / "warn_deltalake.txt"
    hang = next(i for i, line in enumerate(outcome.said) if " can never go on: " in line)
    text = normalised("".join(f"{line}\n" for line in outcome.said[:hang]))
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


def test_off_says_nothing_and_keeps_no_log(tmp_path):
    outcome = warned("polars_in_a_pool", tmp_path, policy="off")
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "[1, 2, 3]\n", "")
    assert outcome.records == []


@pytest.mark.parametrize(
    "policy",
    [
        "off:polars",
        "off:polars_runtime_32",
        "off:polars-runtime-32",
        "warn,off:*/_polars_runtime.abi3.so",
    ],
)
def test_the_way_out_that_is_told_works(policy, tmp_path):
    """Whatever name it has, the runtime can be left out; it is still in the log."""
    outcome = warned("polars_in_a_pool", tmp_path, policy=policy)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "[1, 2, 3]\n", "")
    actions = {
        runtime["action"]
        for record in outcome.of("fork")
        for runtime in record["runtimes"]
        if runtime["name"] == "polars"
    }
    assert actions == {"off"}


def test_the_way_out_of_two_runtimes_works(tmp_path):
    """lancedb is two: the loop in Python and the pool in Rust."""
    told_first = run_job("fork_once.py", "lancedb", log=tmp_path / "log", tmp=tmp_path)
    ((_, lines),) = blocks(told_first)
    entries = way_out([text for label, text in lines if label == "or"])
    outcome = run_job("fork_once.py", "lancedb", policy=",".join(entries), tmp=tmp_path)
    assert outcome.status == 0 and not outcome.said
