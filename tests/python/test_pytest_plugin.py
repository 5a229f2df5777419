# SPDX-License-Identifier: Apache-2.0
"""The pytest plugin: of a suite, the test whose child hangs fails by name, and no other does."""

import json
import os
import re
import time
import xml.etree.ElementTree as ElementTree

import pytest

import support
from python_jobs import PACKAGE, POOLS

LIMIT = 120  # seconds

HEAD = """
import concurrent.futures, multiprocessing, os, time
import pytest

threads = concurrent.futures.ThreadPoolExecutor(1)
threads.submit(str, 42).result()

def work():
    return threads.submit(str, 42).result()  # waits

def use(number):
    return threads.submit(str, number).result()

def fork(function):
    child = os.fork()  # forks
    if child == 0:
        try:
            function()
        finally:
            os._exit(1)
    return child

def until(happened):
    end = time.monotonic() + 60
    while time.monotonic() < end and not happened():
        time.sleep(0.01)

def look(child):
    until(lambda: os.waitpid(child, os.WNOHANG)[0])

def is_told():
    with open(os.environ["FORKPOLICY_LOG"]) as log:
        return '"event":"hang"' in log.read()

def test_fine():
    threads.submit(str, 42).result()

def test_fine_child():
    look(fork(os.getpid))
"""

HANGS = """
def test_hangs():
    look(fork(work))
"""

LAST = """
def test_last():
    assert threads.submit(str, 42).result() == "42"
"""


class Suite:
    """A run of pytest over one file: what it said, and what became of each test by name."""

    def __init__(
        self, folder, source, *arguments, plugin=True, env=None, policy="fail", **settings
    ):
        (folder / "test_suite.py").write_text(source)
        (folder / "tmp").mkdir()
        python = support.environment_python("wheels")
        command = [python, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--tb=short"]
        command += ["--junitxml=junit.xml"]
        if plugin:
            command += ["-p", "forkpolicy.pytest_plugin"]
        if policy:
            command.append(f"--forkpolicy={policy}")
        variables = dict(POOLS, PYTHONPATH=str(PACKAGE), TMPDIR=str(folder / "tmp"), **(env or {}))
        variables["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        settings.setdefault("preload", False)
        self.outcome = support.run(
            command + list(arguments), env=variables, cwd=folder, timeout=LIMIT, **settings
        )
        self.text = self.outcome.stdout
        self.folder = folder

    @property
    def cases(self):
        """[(test, "passed", "failure" or "error", message, text, properties)] from JUnit's XML."""
        found = []
        for case in ElementTree.parse(self.folder / "junit.xml").iter("testcase"):
            properties = [each.get("value") for each in case.iter("property")]
            wrong = [each for each in case if each.tag in ("failure", "error", "skipped")]
            kind = wrong[0].tag if wrong else "passed"
            message = wrong[0].get("message") if wrong else ""
            text = (wrong[0].text or "") if wrong else ""
            found.append((case.get("name"), kind, message, text, properties))
        return found

    @property
    def kinds(self):
        return {name: kind for name, kind, *_ in self.cases}

    def of(self, name):
        (case,) = [case for case in self.cases if case[0] == name]
        return case

    def left(self):
        return [name for name in os.listdir(self.folder / "tmp") if "forkpolicy" in name]


def line_of(source, text):
    return next(i for i, line in enumerate(source.splitlines(), 1) if text in line)


def check_message(text, source, fork="# forks", wait="# waits"):
    assert re.search(
        r"forkpolicy: child \d+ hangs \(proven\): it waits for ThreadPoolExecutor", text
    )
    assert re.search(r"  waits   python 3\.\d+\.\d+ in sem_wait", text)
    assert re.search(rf"  at      \S+/test_suite\.py:{line_of(source, wait)} in ", text)
    assert re.search(rf"  for     ThreadPoolExecutor \(python 3\.\S+\): 1 thread pool thread", text)
    assert re.search(
        rf"  fork    \S+/test_suite\.py:{line_of(source, fork)} in .*;.* by pid \d+", text
    )
    assert re.search(r"  (do|or)      create the executor in the child", text)
    assert re.search("  now     ForkPolicyError (is|was) raised at that line", text)
    assert "/pluggy/" not in text and " pluggy/" not in text


def test_child_that_hangs(tmp_path):
    source = HEAD + HANGS + LAST
    suite = Suite(tmp_path, source)
    assert suite.outcome.status == 1, suite.outcome
    assert suite.kinds == {
        "test_fine": "passed",
        "test_fine_child": "passed",
        "test_hangs": "failure",
        "test_last": "passed",
    }
    name, kind, message, text, properties = suite.of("test_hangs")
    check_message(text, source)
    assert re.match(r"(Failed: )?forkpolicy: child \d+ hangs ", message)
    assert len(properties) == 1 and "forked at" in properties[0]
    assert re.search(r"^FAILED test_suite\.py::test_hangs", suite.text, re.M)
    assert "under fail: 2 forks with threads, 1 hang (1 proven)" in suite.text
    assert f"test_suite.py::test_hangs: {properties[0]}" in suite.text
    assert suite.left() == []


def test_without_the_option_nothing_happens(tmp_path):
    """With the plugin as without: only the folder and the time differ."""
    source = "import os\ndef test_bare():\n    assert 'LD_PRELOAD' not in os.environ\n"
    texts = []
    for plugin in (False, True):
        folder = tmp_path / ("plugin" if plugin else "without")
        folder.mkdir()
        suite = Suite(folder, source, plugin=plugin, policy=None)
        assert suite.outcome.status == 0 and suite.outcome.stderr == "", suite.outcome
        texts.append(re.sub(r" in [\d.]+s", "", suite.text.replace(str(folder), "FOLDER")))
    assert texts[0] == texts[1]


def test_off_overrides_the_ini_file(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\nforkpolicy = fail\n")
    source = "import os\ndef test_bare():\n    assert 'LD_PRELOAD' not in os.environ\n"
    suite = Suite(tmp_path, source, policy="off")
    assert suite.outcome.status == 0 and "under fail" not in suite.text, suite.outcome


def test_ini_file(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\nforkpolicy = fail\n")
    suite = Suite(tmp_path, HEAD + HANGS, policy=None)
    assert suite.kinds["test_hangs"] == "failure", suite.outcome


def test_error_of_a_pool_worker(tmp_path):
    """The test's own error stays; the report stands below it."""
    source = HEAD + """
def test_pool():
    with multiprocessing.get_context("fork").Pool(1) as pool:  # makes a pool
        pool.map(use, [1])
"""
    suite = Suite(tmp_path, source + LAST)
    assert suite.outcome.status == 1, suite.outcome
    assert [kind for _, kind, *_ in suite.cases] == ["passed", "passed", "failure", "passed"]
    _, _, message, text, _ = suite.of("test_pool")
    assert "this child process can never go on" in message
    check_message(text, source, "# makes a pool", "submit(str, number)")


def test_many_children_of_one_test_are_one_report(tmp_path):
    """Once: its first line is that of the summary, and the test's own error stays above."""
    source = HEAD + """
def test_three():
    children = [fork(work) for _ in range(3)]  # forks
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]

def test_early():
    children = [fork(work) for _ in range(3)]
    assert os.waitpid(children[0], 0)[1] == 0
"""
    suite = Suite(tmp_path, source)
    _, kind, message, text, properties = suite.of("test_three")
    assert kind == "failure" and len(properties) == 3
    assert message.startswith(properties[0])
    assert suite.kinds["test_early"] == "failure" and len(suite.cases) == 4  # one error each
    assert "== [0, 0, 0]" in text and text.count("forkpolicy: child ") == 1
    report = text[text.index("forkpolicy: child ") :].splitlines()
    assert len(report) <= 25 and report[-1] == "  also    2 more reports, of children of this test"
    assert not any(line.startswith("  native ") for line in report)
    assert "can never go on" not in suite.text + suite.outcome.stderr
    (summary,) = re.findall(r"^FAILED \S+::test_three - (.*)", suite.text, re.M)
    assert properties[0].startswith(summary.rstrip("."))


def test_worker_of_an_earlier_test(tmp_path):
    """It is the test whose task hangs that fails, not the one that happened to make the pool."""
    source = HEAD + """
@pytest.fixture(scope="module")
def pool():
    with multiprocessing.get_context("fork").Pool(1) as pool:
        yield pool

def test_first(pool):
    assert pool.map(abs, [-1]) == [1]

def test_second(pool):
    pool.map(use, [1])
"""
    suite = Suite(tmp_path, source)
    assert len(suite.cases) == 4 and suite.kinds["test_first"] == "passed", suite.outcome
    assert suite.kinds["test_second"] == "failure"
    assert len(suite.of("test_second")[4]) == 1


def test_late(tmp_path):
    """A child that begins to hang when its test is over."""
    source = HEAD + """
reading, writing = os.pipe()

def late():
    os.read(reading, 1)
    work()

def test_leaves():
    fork(late)

def test_other():
    os.write(writing, b".")
    until(is_told)
""" + LAST
    suite = Suite(tmp_path, source)
    assert suite.outcome.status == 1, suite.outcome
    kinds = [(name, kind) for name, kind, *_ in suite.cases if kind != "passed"]
    assert kinds == [("test_leaves", "error")]
    (text,) = [text for name, kind, _, text, _ in suite.cases if kind == "error"]
    check_message(text, source)
    assert "late    the test was over by then" in text
    assert "ERROR at teardown of " in suite.text
    assert re.search(r"= 5 passed,.* 1 error in ", suite.text)


# A child that begins to hang when the last test is over, and a run that hears of it on any machine.
LATE = """
import forkpolicy.pytest_watch

forkpolicy.pytest_watch.GRACE = 60
reading, writing = os.pipe()

@pytest.fixture(scope="module", autouse=True)
def at_the_end():
    yield
    os.close(writing)

def late():
    os.close(writing)
    os.read(reading, 1)
    work()
"""


def test_late_after_the_last_test(tmp_path):
    source = HEAD + LATE + "\ndef test_leaves():\n    fork(late)\n"
    suite = Suite(tmp_path, source)
    assert suite.outcome.status == 1, suite.outcome
    assert ("test_leaves", "error") in [case[:2] for case in suite.cases]


@pytest.mark.parametrize("late", [False, True], ids=["in_time", "late"])
def test_xdist(late, tmp_path):
    wait = "fork(late)" if late else "look(fork(work))"
    many = "".join(f"\ndef test_hangs_{i}():\n    {wait}\n" for i in range(3))
    fine = "".join(f"\ndef test_fine_{i}():\n    look(fork(os.getpid))\n" for i in range(5))
    source = HEAD + (LATE if late else "") + many + fine
    suite = Suite(tmp_path, source, "-p", "xdist", "-n", "2")
    assert suite.outcome.status == 1, suite.outcome
    wrong = [(name, kind) for name, kind, *_ in suite.cases if kind != "passed"]
    kind = "error" if late else "failure"
    assert sorted(wrong) == [(f"test_hangs_{i}", kind) for i in range(3)]
    assert "under fail: 9 forks with threads, 3 hangs (3 proven)" in suite.text
    assert len(re.findall(r"^test_suite\.py::test_hangs_\d: child ", suite.text, re.M)) == 3
    assert suite.left() == []


def test_timeout_of_the_parent(tmp_path):
    """The child's report stands below pytest-timeout's error."""
    source = HEAD + """
def test_waits():
    child = fork(lambda: (work_quietly(), time.sleep(60)))
    try:
        os.waitpid(child, 0)
    finally:
        os.kill(child, 9)

def work_quietly():
    try:
        work()
    except RuntimeError:
        pass
"""
    suite = Suite(tmp_path, source + LAST, "-p", "pytest_timeout", "--timeout=8")
    assert suite.kinds["test_waits"] == "failure", suite.outcome
    _, _, message, text, _ = suite.of("test_waits")
    assert "Timeout" in message and "forkpolicy: child " in text
    assert suite.kinds["test_last"] == "passed"


def test_exitfirst(tmp_path):
    suite = Suite(tmp_path, HEAD + HANGS + LAST, "-x")
    assert suite.outcome.status == 1, suite.outcome
    assert "test_last" not in suite.kinds and "stopping after 1 failures" in suite.text


def test_collect_only(tmp_path):
    source = "import os\nassert 'LD_PRELOAD' not in os.environ\n" + HEAD
    suite = Suite(tmp_path, source, "--collect-only")
    assert suite.outcome.status == 0 and "2 tests collected" in suite.text, suite.outcome


def test_expected_failure(tmp_path):
    source = HEAD + HANGS.replace("def", "@pytest.mark.xfail(strict=True)\ndef")
    suite = Suite(tmp_path, source)
    assert suite.outcome.status == 0 and "1 xfailed" in suite.text, suite.outcome


def test_skipped_after_the_hang(tmp_path):
    suite = Suite(tmp_path, HEAD + HANGS + "    pytest.skip('no child came')\n")
    assert suite.kinds["test_hangs"] == "failure", suite.outcome


def test_class_of_unittest(tmp_path):
    source = HEAD + """
import unittest

class TestOld(unittest.TestCase):
    def test_hangs(self):
        look(fork(work))

    def test_other(self):
        pass
"""
    suite = Suite(tmp_path, source)
    assert suite.kinds["test_hangs"] == "failure", suite.outcome
    assert suite.kinds["test_other"] == "passed"


def test_child_that_leaves_its_test(tmp_path):
    """The error comes up to pytest in the child, which must not run the other tests again."""
    source = HEAD + """
def test_plain_fork():
    child = os.fork()
    if child == 0:
        threads.submit(str, 42).result()
    assert os.waitpid(child, 0)[1] >> 8 == 70  # its status
"""
    suite = Suite(tmp_path, source + LAST)
    assert suite.kinds["test_plain_fork"] == "failure", suite.outcome
    assert suite.text.count("test_last PASSED") == 1
    assert "# its status" not in suite.of("test_plain_fork")[3]


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
