"""The pytest plugin: children that hang, and whose test that was. SPDX-License-Identifier: Apache-2.0"""

import re

from pytest_runs import HANGS, HEAD, LAST, Suite, check_message


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
