"""The pytest plugin: policies, logs, and other runs beside it. SPDX-License-Identifier: Apache-2.0"""

import json
import os
import re
import time

import pytest

import support
from pytest_runs import HANGS, HEAD, LAST, LIMIT, Suite, check_message
from python_jobs import PACKAGE


def test_program_that_a_test_starts(tmp_path):
    source = HEAD + """
import subprocess, sys

PROGRAM = '''
import concurrent.futures, os
threads = concurrent.futures.ThreadPoolExecutor(1)
threads.submit(str, 42).result()
child = os.fork()
if child == 0:
    threads.submit(str, 42).result()
os.waitpid(child, 0)
'''

def test_program():
    subprocess.run([sys.executable, "-c", PROGRAM])
"""
    suite = Suite(tmp_path, source + LAST)
    assert suite.kinds["test_program"] == "failure", suite.outcome
    assert suite.kinds["test_last"] == "passed"


def test_warn(tmp_path):
    """The child waits on, as it would without the shim, and its test fails all the same."""
    source = HEAD + """
def test_hangs():
    child = fork(work)
    until(is_told)
    os.kill(child, 9)
"""
    suite = Suite(tmp_path, source + LAST, policy="warn")
    assert suite.kinds["test_hangs"] == "failure", suite.outcome
    assert re.search(r"hangs \(proven\).*\n  waits   python ", suite.of("test_hangs")[3])
    assert suite.kinds["test_last"] == "passed"


def test_wait_that_only_looks_hopeless(tmp_path):
    """It goes on, and its test fails."""
    source = HEAD + """
def again():
    future = threads.submit(str, 42)
    while True:
        try:
            future.result(0.02)
        except concurrent.futures.TimeoutError:
            pass

def test_hangs():
    child = fork(again)
    until(is_told)
    os.kill(child, 9)
"""
    env = {"FORKPOLICY_OPTIONS": "hang_seconds=0.2"}
    suite = Suite(tmp_path, source + LAST, env=env)
    assert suite.kinds["test_hangs"] == "failure" and suite.kinds["test_last"] == "passed"
    assert re.search(r"child \d+ hangs \((strong|suspected)\): ", suite.of("test_hangs")[3])


def test_refuse(tmp_path):
    suite = Suite(tmp_path, HEAD + HANGS, policy="refuse:ThreadPoolExecutor")
    assert suite.kinds == dict(test_fine="passed", test_fine_child="failure", test_hangs="failure")
    assert "2 refused" in suite.text


LOST = """
import os
import polars

def test_forks():
    polars.DataFrame({"key": [1, 2] * 100}).group_by("key").len()
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.parametrize("strict", [False, True])
def test_strict(strict, tmp_path):
    suite = Suite(tmp_path, LOST, *(["--forkpolicy-strict"] if strict else []))
    assert suite.kinds == {"test_forks": "failure" if strict else "passed"}, suite.outcome
    if strict:
        text = suite.of("test_forks")[3]
        assert re.search(
            r"child \d+ is forked without polars \(.*\); forked at \S+:7 in test_", text
        )
        assert re.search(r"^  lost    polars \(polars\S* 2\.\d.*\): \d+ .* threads?", text, re.M)


def test_report_without_the_program(tmp_path, monkeypatch):
    """What the record says is enough for a message."""
    monkeypatch.syspath_prepend(str(PACKAGE))
    from forkpolicy import pytest_records

    log, source = tmp_path / "log.jsonl", HEAD + HANGS
    Suite(tmp_path, source, env={"FORKPOLICY_LOG": str(log)})
    (hang,) = [record for record in support.read_log(log) if record["event"] == "hang"]
    check_message(pytest_records.Problem(hang, "/nowhere:1", 0).message(), source)


def test_own_log_stays(tmp_path):
    """Also one of a file for each process, with records of others in it."""
    (tmp_path / "log").mkdir()
    other = {"v": 1, "event": "hang", "verdict": "proven", "time": time.time(), "pid": 1, "ppid": 0}
    (tmp_path / "log" / "1.jsonl").write_text(json.dumps(other) + "\n")
    log = tmp_path / "log" / "%p.jsonl"
    suite = Suite(tmp_path, HEAD + HANGS + LAST, env={"FORKPOLICY_LOG": str(log)})
    kinds = [kind for _, kind, *_ in suite.cases]
    assert kinds == ["passed", "passed", "failure", "passed"], suite.outcome
    assert len(os.listdir(tmp_path / "log")) == 3


def test_records_of_others(tmp_path):
    """Two runs may share a log: neither fails for what children of the other do."""
    source = HEAD + """
import json

def test_other():
    other = {"v": 1, "event": "hang", "verdict": "proven", "time": time.time(), "pid": 1, "ppid": 0}
    with open(os.environ["FORKPOLICY_LOG"], "a") as log:
        print("no record", json.dumps(other), "[]", '{"v": 1, "pid": 1}', sep="\\n", file=log)
"""
    suite = Suite(tmp_path, source, env={"FORKPOLICY_LOG": str(tmp_path / "log.jsonl")})
    assert suite.outcome.status == 0, suite.outcome


def test_preloaded_already(tmp_path):
    suite = Suite(
        tmp_path,
        "import os\ndef test_once():\n    assert 'FORKPOLICY_PYTEST' not in os.environ\n"
        + HEAD
        + HANGS,
        preload=True,
        env={"FORKPOLICY": "fail", "FORKPOLICY_LOG": str(tmp_path / "log.jsonl")},
    )
    assert suite.kinds["test_once"] == "passed" and suite.kinds["test_hangs"] == "failure"


def test_another_policy_is_preloaded(tmp_path):
    """The option holds."""
    suite = Suite(tmp_path, HEAD + HANGS, preload=True, env={"FORKPOLICY": "off"})
    assert suite.kinds["test_hangs"] == "failure", suite.outcome


def test_bad_policy(tmp_path):
    suite = Suite(tmp_path, HEAD, policy="fail,flail:numpy")
    assert suite.outcome.status == 4 and "ERROR: --forkpolicy column 6: " in suite.outcome.stderr, suite.outcome
    assert suite.left() == []


INNER = """
pytest_plugins = ["pytester"]

def test_inner(pytester):
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest_inprocess("-p", "forkpolicy.pytest_plugin", "--forkpolicy=fail")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([{expected}])
"""


@pytest.mark.parametrize("policy", [None, "fail"], ids=["bare", "preloaded"])
def test_pytester(policy, tmp_path):
    expected = "*under fail: 0 forks*" if policy else "nothing was watched: pytest was called by*"
    suite = Suite(tmp_path, INNER.format(expected=repr(expected)), policy=policy)
    assert suite.outcome.status == 0, suite.outcome
    assert suite.text.count("test_inner PASSED") == 1


def test_plugin_of_a_conftest(tmp_path):
    """The output is redirected by then."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nforkpolicy = fail\n")
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["forkpolicy.pytest_plugin"]\n')
    suite = Suite(tmp_path, HEAD, plugin=False, policy=None)
    assert suite.outcome.status == 0, suite.outcome
    assert "nothing was watched: the plugin was loaded too late" in suite.text


def test_debugger(tmp_path):
    """--pdb enters it for a test that failed because of its child, on the real terminal."""
    suite = Suite(tmp_path, HEAD + HANGS + LAST, "--pdb")
    assert "entering PDB" in suite.text and suite.outcome.status in (1, 2), suite.outcome


@pytest.mark.parametrize("typed", ["--forkpolicy", "the ini value forkpolicy"])
def test_a_bad_policy_is_named_as_it_was_typed(typed, tmp_path):
    (tmp_path / "test_suite.py").write_text("def test_nothing(): pass\n")
    if typed == "--forkpolicy":
        options = ["--forkpolicy=fial"]
    else:
        (tmp_path / "pytest.ini").write_text("[pytest]\nforkpolicy = fial\n")
        options = []
    done = support.run(
        [support.environment_python("wheels"), "-m", "pytest", "-p", "forkpolicy.pytest_plugin", *options],
        preload=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(PACKAGE)},
        timeout=LIMIT,
    )
    assert done.status == 4 and f'{typed} column 1: unknown action "fial"' in done.stderr, done
    assert "--policy" not in done.stderr and "Traceback" not in done.stderr, done
