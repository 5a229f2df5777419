# SPDX-License-Identifier: Apache-2.0
"""Policies by place: what an entry asks for holds for the forks of its file, function or line alone."""

import re

import pytest

import support
from python_jobs import JOBS, run_job

RUNTIME = "runtime ours\n python */placed.py\n class lost\n kind server\n"
LINE = {
    function: number
    for number, text in enumerate((JOBS / "placed.py").read_text().splitlines(), 1)
    for function in re.findall(r"child\(\"(\w+)\"\)$", text)
}


@pytest.fixture
def job(tmp_path):
    def run(*arguments, policy=None, lines="", log=False):
        path = tmp_path / "a.policy"
        path.write_text(lines + RUNTIME)
        path.chmod(0o600)
        log = tmp_path / "log" if log else None
        env = {"FORKPOLICY_FILE": str(path)}
        return run_job("placed.py", *arguments, policy=policy, env=env, log=log, isolated=True)

    return run


def told(outcome):
    """The functions whose forks were told."""
    return re.findall(r"^forkpolicy:   at      \S+placed\.py:\d+ in (\w+)", outcome.stderr, re.M)


ALL = ["first", "second", "third"]


@pytest.mark.parametrize(
    "policy, functions",
    [
        (None, ALL),
        ("off:ours@jobs/placed.py:*", []),
        ("off@*/jobs/placed.py", []),
        ("off:other@placed.py", ALL),
        ("off:ours@other.py", ALL),
        ("off:ours@placed.py:first", ["second", "third"]),
        (f"off:ours@placed.py:{LINE['second']}", ["first", "third"]),
        ("off:ours@placed.py:[fs]*", ["third"]),
        ("off,warn:ours@placed.py:second", ["second"]),
        ("off:ours,warn@placed.py:third", ["third"]),
        ("warn@placed.py:third,off:ours", []),
    ],
)
def test_warned(policy, functions, job):
    outcome = job(policy=policy)
    assert outcome.stdout.splitlines() == [f"{name} 0" for name in ALL], outcome
    assert told(outcome) == functions, outcome


def test_refused_at_one_place(job):
    outcome = job(policy=f"off,refuse:ours@placed.py:{LINE['second']}")
    assert outcome.stdout.splitlines() == ["first 0", "second ForkPolicyError", "third 0"], outcome
    assert told(outcome) == ["second"]
    outcome = job(policy="refuse,off:ours@placed.py:second")
    assert outcome.stdout.splitlines() == [
        "first ForkPolicyError",
        "second 0",
        "third ForkPolicyError",
    ], outcome


def test_failed_at_one_place(job):
    outcome = job("first", policy="off,fail:ours@placed.py:first", log=True)
    assert outcome.stdout.splitlines() == ["first 70", "second 0", "third 0"], outcome
    assert len(outcome.of("hang")) == 1
    assert outcome.of("hang")[0]["lost"]["action"] == "fail"
    assert outcome.of("hang")[0]["fork"]["site"]["function"] == "first"


def test_an_allow_line_holds_whatever_the_policy_says(job):
    lines = "allow ours @ placed.py:second  because the child only execs  # see #12\n"
    outcome = job(policy="refuse", lines=lines, log=True)
    assert outcome.stdout.splitlines() == [
        "first ForkPolicyError",
        "second 0",
        "third ForkPolicyError",
    ], outcome
    assert told(outcome) == ["first", "third"]
    (record,) = [each for each in outcome.of("fork") if each["site"]["function"] == "second"]
    (runtime,) = [each for each in record["runtimes"] if each["name"] == "ours"]
    assert (runtime["action"], runtime["allowed"]) == ("off", "the child only execs")
    assert runtime["allowed_by"]["line"] == 1
    assert runtime["allowed_by"]["file"].endswith("/a.policy")
    refused = [runtime for each in outcome.of("refused") for runtime in each["runtimes"]]
    assert refused and not any("allowed" in runtime for runtime in refused)


def test_comments_behind_every_line(job):
    lines = "# head\npolicy off:ours@placed.py:first # why\nallow ours@placed.py:second because x # why\n"
    outcome = job(lines=lines)
    assert told(outcome) == ["third"] and "column" not in outcome.stderr, outcome


def test_a_comment_in_the_variable_is_an_error(job):
    outcome = job(policy="off:ours@placed.py # why")
    assert "FORKPOLICY column 20: a comment cannot stand here" in outcome.stderr, outcome
    assert told(outcome) == ALL
    command = [support.PROGRAM, "run", "--policy", "off # why", "--", "true"]
    outcome = support.run(command, preload=False)
    assert outcome.status == 2
    assert outcome.stderr == (
        "forkpolicy: --policy column 5: a comment cannot stand here (write [#] for a '#' in a pattern)\n"
    )


def report(*arguments):
    done = support.run([support.PROGRAM, "report", *arguments], preload=False)
    assert done.status == 0 and done.stderr == "", done
    return done.stdout


def test_what_report_writes_silences_the_forks_that_it_saw(job, tmp_path):
    """The round trip: what was told is not any more; a fork at another line still is."""
    seen = job(log=True, policy="off:ours@placed.py:third,warn")
    assert told(seen) == ["first", "second"]
    written = report("--policy", tmp_path / "log")
    entries = [line for line in written.splitlines() if line.startswith("policy ")]
    place = JOBS / "placed.py"
    assert entries == [
        f"policy fail:ours@{place}:{LINE['first']}",
        f"policy fail:ours@{place}:{LINE['second']}",
    ]
    outcome = job(lines=written)
    assert told(outcome) == ["third"], outcome
    # and as a string
    outcome = job(policy=written.rpartition("FORKPOLICY: ")[2].strip() + ",warn")
    assert told(outcome) == ["third"], outcome


def test_allow_lines_that_no_fork_used(job, tmp_path):
    lines = (
        "# forks that are allowed\n"
        "allow ours @ placed.py:second  because the child only execs  # see #12\n"
        "allow ours@gone.py:* because of #7\n"
        "allow other because it is quick\n"
    )
    policy = tmp_path / "mine.policy"
    policy.write_text(lines + RUNTIME)
    policy.chmod(0o600)
    log = tmp_path / "forks.jsonl"
    python = support.environment_python("wheels")
    command = ["run", "--policy-file", policy, "--log", log, "--", python, JOBS / "placed.py"]
    outcome = support.run([support.PROGRAM, *command], preload=False, isolated=True)
    assert told(outcome) == ["first", "third"], outcome
    assert report("--unused", log).splitlines() == [
        f"{policy}:3: allow ours@gone.py:* because of #7",
        f"{policy}:4: allow other because it is quick",
    ]
    policy.write_text("".join(lines.splitlines(True)[:2]))
    assert report("--unused", log) == f"{policy}: every allow line was used (1)\n"
    log.write_text("".join(log.read_text().splitlines(True)[1:]))  # without the start
    done = support.run([support.PROGRAM, "report", "--unused", log], preload=False)
    assert done.status == 2 and "no log names a policy file" in done.stderr
