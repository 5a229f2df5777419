# SPDX-License-Identifier: Apache-2.0
"""How the tests themselves are run: what gets a second try, and what counts as failed."""

import shutil
import subprocess
import sys

import pytest

import support

LUCK = """
from pathlib import Path
import pytest

SEEN = Path(__file__).with_name("seen")

@pytest.mark.parametrize("name", ["a b", "c"])
def test_that_passes_alone(name):
    seen = SEEN.with_suffix("." + name[0])
    again = seen.exists()
    seen.touch()
    assert again

def test_that_passes():
    pass
"""
FAILING = """
def test_that_fails():
    assert False
"""
MANY = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_that_fails(number):
    assert False
"""
ALONE = """
import pytest

@pytest.mark.alone("to see that it is run")
def test_alone():
    print("one that is alone")
    assert {passes}
"""


@pytest.fixture
def run(tmp_path):
    shutil.copy(support.ROOT / "tests/conftest.py", tmp_path)

    def run(**files):
        for name, text in files.items():
            (tmp_path / f"test_{name}.py").write_text(text)
        command = ["sh", support.ROOT / "tools/run-pytest.sh", "2", ".", sys.executable, "-m", "pytest", "-q", "-s"]
        variables = {"PATH": "/usr/bin:/bin", "PYTEST_ADDOPTS": "-p no:cacheprovider", "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=120)

    return run


def test_what_passes_alone_is_named_and_does_not_count(run):
    done = run(luck=LUCK, alone=ALONE.format(passes=True))
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("a b", "c"):
        line = f"run-pytest: failed beside others, passed alone: test_luck.py::test_that_passes_alone[{name}]"
        assert line in done.stdout.splitlines(), done.stdout
    assert "one that is alone" in done.stdout


def test_what_fails_again_has_failed(run):
    done = run(luck=LUCK, failing=FAILING)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "passed alone" not in done.stdout


def test_more_than_three_have_failed(run):
    done = run(many=MANY)
    assert done.returncode == 1
    assert "again, alone" not in done.stdout


def test_those_that_are_alone_get_one_try(run):
    assert run(passing="def test_it(): pass", alone=ALONE.format(passes=False)).returncode == 1


def test_a_file_that_is_no_python_has_failed(run):
    assert run(broken="def :", luck=LUCK).returncode != 0
