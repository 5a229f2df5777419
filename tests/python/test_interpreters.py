# SPDX-License-Identifier: Apache-2.0
"""The shim in every CPython of the machine: libpython shared or static, with the GIL or without."""

import pytest

import support
from interpreters import ask_interpreter
from python_jobs import JOBS, answer, source_line

POLICY = """
runtime foreign
    dso */libforeign.so
    class lost
    kind counting
    advice start foreign in the child
    source tests/python
"""


@pytest.fixture(scope="module")
def foreign(foreign_library, tmp_path_factory):
    """A library that is lost in the child, and the policy file that says so."""
    policy = tmp_path_factory.mktemp("policy") / "policy"
    policy.write_text(POLICY)
    policy.chmod(0o600)
    return foreign_library, policy


def run(interpreter, foreign, policy, log):
    library, policy_file = foreign
    # From 3.12 on Python itself warns of forks with threads alive.
    return support.run(
        [interpreter, "-W", "ignore::DeprecationWarning", JOBS / "interpreter.py", library],
        policy=policy,
        log=log,
        env={"FORKPOLICY_FILE": str(policy_file), "PYTHONDONTWRITEBYTECODE": "1"},
    )


def has_audit_hooks(interpreter):
    """Before 3.8 there are none: a refused fork is an OSError there."""
    return ask_interpreter(interpreter)[1] not in ("3.6", "3.7")


def check_record(record, report, foreign, interpreter):
    runtimes = {runtime["name"]: runtime for runtime in record["runtimes"]}
    native, python = runtimes.pop("foreign"), runtimes.pop(None)
    assert not runtimes
    assert native["dso"] == str(foreign[0].resolve())
    assert (native["threads"], native["kind"], native["class"]) == (2, "counting", "lost")
    assert python["threads"] == 1
    assert source_line(python["started"]) == "named.start()"
    if has_audit_hooks(interpreter):  # 3.8 is also the first to know its threads' ids
        assert python["names"] == "a named thread"
    assert record["threads"] == report["threads"] == 4
    assert record["unattributed"] == 0
    user = record["site"]["user"]
    assert source_line(f"{user['file']}:{user['line']}") == "process.start()"
    assert record["site"]["function"] == "main"
    assert record["origin"] == "python"


def test_off(interpreter, foreign, tmp_path):
    outcome = run(interpreter, foreign, "off", tmp_path / "log")
    report = answer(outcome)
    assert (report["exitcode"], report["answers"]) == (0, True)
    assert outcome.stderr == ""
    assert outcome.records == []


def test_warn(interpreter, foreign, tmp_path):
    outcome = run(interpreter, foreign, "warn", tmp_path / "log")
    report = answer(outcome)
    assert (report["exitcode"], report["answers"]) == (0, True)
    (record,) = outcome.of("fork")
    check_record(record, report, foreign, interpreter)
    assert outcome.stderr.splitlines() == outcome.said
    assert "fork() allowed" in outcome.said[0]
    said = "\n".join(outcome.said)
    assert f"{JOBS}/interpreter.py" in said and "2 counting threads" in said
    assert "start foreign in the child" in said


def test_refuse(interpreter, foreign, tmp_path):
    outcome = run(interpreter, foreign, "refuse", tmp_path / "log")
    report = answer(outcome)
    assert (report["exitcode"], report["answers"]) == (None, True)
    if has_audit_hooks(interpreter):
        assert report["error"] == ["forkpolicy", "ForkPolicyError", None]
        assert report["message"].startswith(
            "fork refused: the child would be without 2 counting threads"
        )
    else:
        assert report["error"] == ["builtins", "OSError", 95]  # ENOTSUP
    file, function, line = report["last"]
    assert (file, function) == ("popen_fork.py", "_launch")
    assert "os.fork()" in line
    (record,) = outcome.of("refused")
    check_record(record, report, foreign, interpreter)
    assert not outcome.of("fork")
    assert outcome.stderr.splitlines() == outcome.said
    assert "fork() refused" in outcome.said[0]


@pytest.mark.parametrize("policy", [None, "off", "warn", "refuse"])
@pytest.mark.parametrize("code", ["pass", "import os; print(os.fork() and os.wait()[1])"])
def test_nothing_to_say(interpreter, code, policy):
    """A program without a second thread: with the shim as without."""
    command = [interpreter, "-c", code]
    bare = support.run(command, preload=False)
    outcome = support.run(command, policy=policy)
    assert (outcome.status, outcome.stderr) == (bare.status, bare.stderr) == (0, "")
    assert sorted(outcome.stdout.split()) == sorted(bare.stdout.split())
