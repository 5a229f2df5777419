"""The pytest plugin: hangs behind the last test, other plugins, other kinds of tests. SPDX-License-Identifier: Apache-2.0"""

import re

import pytest

from pytest_runs import HANGS, HEAD, LAST, Suite

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
