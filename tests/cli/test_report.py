"""`forkpolicy report`: what it says. SPDX-License-Identifier: Apache-2.0"""

import os
import re

import pytest

from report_runs import BOTH, CI, HERE, record, report, samples, write_log

GOLDEN = HERE / "golden"


# What the formats look like


@pytest.mark.parametrize("style", ["text", "policy", "github", "gitlab", "junit", "perfetto"])
def test_format_is_as_in_its_golden_file(style):
    ended = report(f"--{style}", *BOTH, env=CI)
    golden = GOLDEN / f"{style}.txt"
    if os.environ.get("FORKPOLICY_GOLDEN") == "write":
        golden.write_text(ended.stdout)
    assert ended.stdout == golden.read_text()
    assert ended.returncode == 1 and ended.stderr == ""


def test_text_is_the_default_and_logs_merge_in_any_order():
    text = report("--text", *BOTH).stdout
    assert report(*BOTH).stdout == text == report(*reversed(BOTH)).stdout
    assert text.startswith("2 logs, 28 records of 7 processes on 2 hosts, 2 ranks, ")


def test_the_worst_comes_first():
    words = [
        line.split()[0]
        for line in report(*BOTH).stdout.splitlines()
        if re.match(r"  (HUNG|hung\?|waits\?|refused|used|lost) ", line)
    ]
    assert words == ["HUNG", "waits?", "hung?", "refused", "used", "lost"]


@pytest.mark.parametrize(
    "policy, unmatched",
    [
        ("fail,off:deltalak,refuse:polrs", ["off:deltalak", "refuse:polrs"]),
        ("fail,off:deltalake,off:*/deltalake/*", []),
        ("fail", []),
        (None, []),
    ],
)
def test_a_pattern_that_matches_nothing_is_told(policy, unmatched, tmp_path):
    log = write_log(tmp_path / "log", record(policy=policy), *samples("forty.jsonl"))
    told = [line for line in report(log).stdout.splitlines() if line.startswith("FORKPOLICY: ")]
    assert told == [f"FORKPOLICY: {entry} matches no runtime of these logs" for entry in unmatched]
    assert "FORKPOLICY: " not in report(write_log(log, record(policy="off:polrs"))).stdout, "there is no fork"


def test_advice_is_given_once_for_a_runtime():
    text = report("forty.jsonl").stdout
    assert text.count("first use deltalake in the child") == 1
    assert "25 hung, 15 lost" in text


@pytest.mark.parametrize(
    "log, words",
    [
        ("fine.jsonl", "nothing was lost that is known to hang, and nothing hung"),
        ("nothing.jsonl", "the logs contain no fork of a process with other threads: "),
    ],
)
def test_nothing_found_is_said_in_one_honest_line_with_status_0(log, words):
    ended = report(log)
    assert ended.returncode == 0 and words in ended.stdout.splitlines()[1]
    ended = report("--github", log)
    assert ended.returncode == 0 and ended.stdout.startswith("::notice ")
    assert len(ended.stdout.splitlines()) == 1


def test_nothing_is_concluded_of_what_is_no_log(tmp_path):
    (tmp_path / "job.py").write_text("import os\n\nprint(os.getpid())\n")
    for style in ("--text", "--github", "--junit", "--html"):
        for log in (tmp_path / "job.py", tmp_path / "none"):
            ended = report(style, log)
            assert (ended.returncode, ended.stdout) == (2, ""), ended
            assert "none of the lines is a record" in ended.stderr or "No such file" in ended.stderr


def test_status_is_1_for_a_proven_hang_alone():
    assert report("loader.jsonl").returncode == 0  # its hang is most likely one
    for style in ("text", "policy", "github", "gitlab", "junit", "perfetto", "html"):
        assert report("--" + style, "train.jsonl").returncode == 1


def test_help_lists_the_options_and_the_meaning_of_the_status():
    ended = report("x", "--help")
    assert ended.returncode == 0
    for word in (
        "--policy",
        "--github",
        "--gitlab",
        "--junit",
        "--perfetto",
        "--html",
        "--output",
        "-o",
        "a hang that was proven",
    ):
        assert word in ended.stdout
    assert all(len(line) <= 100 for line in ended.stdout.splitlines())


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--bogus", "fine.jsonl"),
        ("--github", "--junit", "fine.jsonl"),
        ("-o",),
        ("fine.jsonl", "-o"),
        ("fine.jsonl", "--output="),
        ("-x", "fine.jsonl"),
    ],
)
def test_bad_usage_is_2_and_says_so(arguments):
    ended = report(*arguments)
    assert ended.returncode == 2 and ended.stdout == "" and len(ended.stderr.splitlines()) == 1


def lost(label, names="", **members):
    words = {"threads": 1, "class": "unknown", "action": "warn", "names": names}
    return {**words, "name": label, "started": f"/app/{label}.py:3", **members}


def forked(line, *runtimes, **members):
    site = {"user": {"file": "/a.py", "line": line}}
    fork = dict(call="fork", origin="python", child=9, threads=3, site=site, runtimes=runtimes)
    return record("fork", **{**fork, **members})


def test_what_worked_in_the_parent_alone_is_told_though_nobody_waited(tmp_path):
    """Once for a runtime, whatever the places; not what starts anew, what C code forks, or what hung."""
    scheduler, fine = lost("scheduler", "APScheduler"), lost("fine", **{"class": "survives"})
    fork = {"site": {"user": {"file": "/a.py", "line": 4}}}
    hang = record("hang", verdict="proven", outcome="exited", lost=lost("hung"), fork=fork)
    log = write_log(
        tmp_path / "log",
        forked(4, scheduler, fine, lost("hung")),
        forked(5, scheduler),
        forked(5, scheduler),
        forked(6, lost("executed"), origin="native in python"),
        forked(7, lost("off", action="off"), lost("reset", action="reset", **{"class": "reset"})),
        hang,
    )
    text = report(log).stdout
    _, part = text.split("worked in the parent, not in the child; no child was seen to wait for it\n")
    told = part.split("\n\n")[0].strip().splitlines()
    assert told == [
        "scheduler: 1 native thread (APScheduler), started at /app/scheduler.py:3; "
        "not in 3 children of 2 places"
    ]
    assert "worked in the parent" not in report("fine.jsonl").stdout


CRASH = {
    "child": 12,
    "signal": "SIGSEGV",
    "runtimes": [{"threads": 3, "name": "polars", "class": "lost", "action": "warn"}],
    "fork": {"call": "fork", "origin": "python", "lost_threads": 5, "site": {"user": {"file": "/a.py", "line": 2}}},
}


def test_crashes_are_counted(tmp_path):
    log = write_log(tmp_path / "log", record("crash", **CRASH), record("crash", **CRASH))
    text = report(log).stdout
    assert "of their runtimes 1 lost in a child that crashed" in text
    assert re.search(r"\n/a.py:2\n  crashed +polars .*a child that lost it crashed 2 times, by SIGSEGV\n", text), text
    annotated = report("--github", log).stdout
    assert "::error file=/a.py,line=2" in annotated and "crashed" in annotated


@pytest.mark.parametrize("style", ["text", "policy", "github", "gitlab", "junit", "perfetto", "html"])
def test_a_crash_of_which_little_is_known(style, tmp_path):
    bare = [record("crash"), record("crash", runtimes=[3], fork=7, signal="SIGX"), record("crash", runtimes=None)]
    ended = report("--" + style, write_log(tmp_path / "log", *bare))
    assert (ended.returncode, ended.stderr) == (0, ""), ended
