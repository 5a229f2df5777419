# SPDX-License-Identifier: Apache-2.0
"""@pytest.mark.forkpolicy, and the policy that a project's pyproject.toml gives its tests."""

import pytest

from pytest_runs import HANGS, HEAD, Suite

MARKED = """
@pytest.mark.forkpolicy("off:ThreadPoolExecutor", reason="it never uses them")
def test_marked():
    assert os.waitpid(fork(os.getpid), 0)[1] == 256

@pytest.mark.forkpolicy(allow="*@test_suite.py:fork")
class TestClass:
    def test_in_class(self):
        assert os.waitpid(fork(os.getpid), 0)[1] == 256

def test_bare():
    with pytest.raises(Exception, match="fork refused"):
        fork(os.getpid)
"""
REFUSED = HEAD.partition("def test_fine()")[0]
POLICY = "refuse:ThreadPoolExecutor"


def test_a_mark_is_for_its_test(tmp_path):
    suite = Suite(tmp_path, REFUSED + MARKED, "--strict-markers", policy=POLICY)
    assert set(suite.kinds.values()) == {"passed"} and len(suite.kinds) == 3, suite.text


def test_without_the_option_marks_do_nothing(tmp_path):
    source = REFUSED + MARKED.partition("def test_bare")[0]
    suite = Suite(tmp_path, source, "--strict-markers", policy=None)
    assert set(suite.kinds.values()) == {"passed"}, suite.text


BAD = {
    '"off:a[b"': "\"off:a[b\" column 6: '[' without ']'",
    '"offf:x"': '"offf:x" column 1: unknown action "offf"',
    '"refuse:polars"': '"refuse:polars": only "off" can be asked for by a mark',
    'allow="x@"': "\"off:x@\" column 7: '@' without a file behind it",
    'allow="a,b"': '"off:a,b" column 7: unknown action "b"',
    "7": '7 is no string (want an entry such as "off:polars")',
    "": 'it says nothing (want an entry such as "off:polars", or allow="polars")',
    'off="x"': "unknown argument off (known: allow, reason)",
}


def test_a_bad_mark_is_an_error_at_collection_that_names_the_test(tmp_path):
    tests = [
        f"@pytest.mark.forkpolicy({text})\ndef test_{number}():\n    pass\n"
        for number, text in enumerate(BAD)
    ]
    suite = Suite(tmp_path, "import pytest\n" + "\n".join(tests), policy=None)
    assert suite.outcome.status == 4, suite.outcome
    said = suite.outcome.stderr + suite.text
    for number, wrong in enumerate(BAD.values()):
        assert f"test_suite.py::test_{number}: @pytest.mark.forkpolicy: {wrong}" in said, said


@pytest.mark.parametrize("place", ["here", "above"])
def test_a_policy_in_pyproject(place, tmp_path):
    folder = tmp_path / "tests"
    folder.mkdir()
    at = folder if place == "here" else tmp_path
    (at / "pyproject.toml").write_text('[tool.forkpolicy]\npolicy = ["fail"]\n')
    suite = Suite(folder, HEAD + HANGS, policy=None)
    assert suite.kinds["test_hangs"] == "failure" and suite.kinds["test_fine"] == "passed", suite.text
    assert "forkpolicy: fail" in suite.text


def test_the_option_wins(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.forkpolicy]\npolicy = "fail"\n')
    suite = Suite(tmp_path, REFUSED + "def test_fine():\n    pass\n", policy="off")
    assert suite.outcome.status == 0 and "forkpolicy: fail" not in suite.text, suite.text


def test_a_bad_table_is_one_line(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.forkpolicy]\npolicies = "fail"\n')
    suite = Suite(tmp_path, "def test_fine():\n    pass\n", policy=None)
    assert suite.outcome.status == 4
    assert f'{tmp_path}/pyproject.toml:2:1: unknown key "policies" (known: policy, ' in suite.outcome.stderr
