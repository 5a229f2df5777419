"""`forkpolicy explain LOG`: a record in the words that the shim had for it.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from support import PROGRAM, ROOT, environment, environment_python, host

LOGS = Path(__file__).resolve().parent / "logs"


def explain(argument, cwd=LOGS):
    return subprocess.run(
        [str(PROGRAM), "explain", str(argument)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        env=environment(preload=False),
    )


def run_job(log, *command, policy="fail", env=None):
    return subprocess.run(
        [str(PROGRAM), "run", "--policy", policy, "--log", str(log), "--", *map(str, command)],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(preload=False, extra=env),
    )


def words(text):
    """The shim's lines, without what no record holds: arguments of the program, and ^C."""
    lines = [line for line in text.splitlines() if line.startswith("forkpolicy:")]
    lines = [line.replace(" (^C would interrupt it)", "") for line in lines]
    return [re.sub(r"(pid \d+) \([^)]*\)", r"\1", line) for line in lines]


def is_stack(line):
    return re.match(r"forkpolicy:   (python|native|      )  ", line)


def check_same(said, explained):
    """A record may have fewer frames than the message: it is bounded."""
    said, explained = words(said), words(explained)
    assert [line for line in explained if not is_stack(line)] == [
        line for line in said if not is_stack(line)
    ]
    frames = [line[21:] for line in said if is_stack(line)]
    assert all(line[21:] in frames for line in explained if is_stack(line))


@pytest.mark.parametrize("case", ["mutex", "cond", "sem", "join", "barrier", "futex", "rdlock"])
def test_a_native_hang_is_told_in_the_words_of_the_shim(case, tmp_path):
    job = run_job(tmp_path / "log", host("dead_waits"), case)
    assert words(job.stderr), job.stderr
    check_same(job.stderr, explain(tmp_path / "log").stdout)


def test_a_crash_is_told_in_the_words_of_the_shim(tmp_path):
    job = run_job(tmp_path / "log", host("crashes"), "segv", "wait")
    assert words(job.stderr), job.stderr
    check_same(job.stderr, explain(tmp_path / "log").stdout)


@pytest.mark.parametrize("case", ["executor", "lock_held"])
def test_a_hang_in_python_is_told_in_the_words_of_the_shim(case, tmp_path):
    job = run_job(
        tmp_path / "log", environment_python("wheels"), ROOT / "tests/python/jobs/hanging.py", case
    )
    assert words(job.stderr), job.stderr
    explained = explain(tmp_path / "log").stdout
    check_same(job.stderr, explained)
    raised = re.search(r"ForkPolicyError: (this child.*)", job.stderr)
    if raised:
        assert f"ForkPolicyError: {raised[1]}\n" in explained


def test_a_warning_and_a_refusal_are_told_in_the_words_of_the_shim(tmp_path):
    for policy in ("warn", "refuse"):
        log = tmp_path / policy
        job = run_job(
            log,
            environment_python("wheels"),
            ROOT / "tests/python/jobs/hanging.py",
            "polars_group_by",
            policy=policy,
            env={"HANGING_LIMIT": "0.2"},
        )
        event = "refused" if policy == "refuse" else "fork"
        [line] = [
            i
            for i, text in enumerate(log.read_text().splitlines(), 1)
            if json.loads(text)["event"] == event
        ]
        said = [text for text in job.stderr.splitlines() if text.startswith("forkpolicy:")]
        said = said[: 1 + next(i for i, text in enumerate(said) if "   source" in text)]
        check_same("\n".join(said), explain(f"{log}:{line}").stdout)


def test_the_most_telling_record_is_chosen():
    assert explain("train.jsonl").stdout.startswith("train.jsonl:7: hang, 2026-11-21 12:23:22 UTC")
    assert explain("loader.jsonl").stdout.startswith("loader.jsonl:19: hang, ")
    assert explain("fine.jsonl").stdout.startswith("fine.jsonl:2: fork, ")
    assert explain("nothing.jsonl").stdout.startswith("nothing.jsonl:1: start, ")


def test_what_else_the_log_knows_is_listed():
    text = explain("train.jsonl:4").stdout
    assert "  forked   line 2: by pid 4121; threads: 13, runtimes: 3\n" in text
    assert "  uses     line 3: deltalake 0.18.2, by futex\n" in text
    assert "  alike    line 7: pid 4123 hung the same way, proven\n" in text
    assert "(python) can never go on" in text  # its parent's start record
    text = explain("train.jsonl:2").stdout
    assert "The policy had the shim be silent here" in text
    assert "  hangs    line 4: pid 4122, proven, for deltalake 0.18.2\n" in text


@pytest.mark.parametrize("log", sorted(path.name for path in LOGS.iterdir()))
def test_every_record_can_be_explained(log):
    for number in range(1, len((LOGS / log).read_text().splitlines()) + 1):
        ended = explain(f"{log}:{number}")
        assert ended.returncode == 0 and ended.stderr == ""
        assert ended.stdout.startswith(f"{log}:{number}: ") and "\x1b" not in ended.stdout


def test_a_record_that_is_not_whole_is_told_as_far_as_it_goes(tmp_path):
    log = tmp_path / "log"
    log.write_text('{"v":1,"event":"hang","time":1,"pid":5,"ppid":4,"host":"h"}\n')
    ended = explain(log)
    assert ended.returncode == 0 and "(the record is not whole" in ended.stdout


@pytest.mark.parametrize(
    "argument, words_",
    [
        ("fine.jsonl:99", "fine.jsonl:99: there is no record on this line"),
        ("no-such-file.jsonl", "No such file or directory"),
        ("/dev/null", "it must be a file"),
        (".", "is a directory"),
    ],
)
def test_what_cannot_be_explained_is_2_and_one_line(argument, words_):
    ended = explain(argument)
    assert ended.returncode == 2 and ended.stdout == ""
    assert words_ in ended.stderr and len(ended.stderr.splitlines()) == 1


def test_a_pipe_is_said_to_be_none(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    ended = explain(tmp_path / "fifo")
    assert ended.returncode == 2 and "explain reads a log twice" in ended.stderr


def test_an_empty_log_has_no_record(tmp_path):
    (tmp_path / "log").write_text("")
    ended = explain(tmp_path / "log")
    assert ended.returncode == 2 and "there is no record in it" in ended.stderr
