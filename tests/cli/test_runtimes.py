# SPDX-License-Identifier: Apache-2.0
"""forkpolicy runtimes, and check with a requirements file: the table and its runs, by name or package."""

import json
import subprocess
import sys

import pytest

import support

sys.path.insert(0, str(support.ROOT / "tools"))
import known  # noqa: E402: found by the path just set

LIMIT = 30  # seconds
ENTRIES = known.read()


def forkpolicy(*arguments, cwd=None):
    command = [str(support.PROGRAM), *map(str, arguments)]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, cwd=cwd
    )


def test_every_runtime_is_listed_with_its_class():
    lines = forkpolicy("runtimes").stdout.splitlines()
    assert {line.split()[0]: line.split()[1] for line in lines} == {
        name: entry.class_of("999999", {}) for name, entry in ENTRIES.items()
    }


def test_json_has_what_the_table_says_and_the_runs():
    objects = {each["name"]: each for each in map(json.loads, forkpolicy("runtimes", "--json").stdout.splitlines())}
    assert list(objects) == list(ENTRIES)
    for name, entry in ENTRIES.items():
        for key, words in [("classes", ["class"]), ("advice", ["remedy", "advice"]), ("source", ["source"])]:
            assert objects[name][key] == [text for word in words for text in entry.all(word)]
        assert bool(objects[name]["runs"]) == (entry.not_run is None)
    (run, *_) = objects["polars"]["runs"]
    assert set(run) == {"package", "version", "date", "child", "outcome", "told"}


@pytest.mark.parametrize("name", ["libgomp", "scikit-learn", "scikit_learn", "Scikit.Learn", "scikit-l*"])
def test_a_runtime_is_found_by_its_name_and_by_its_packages(name):
    done = forkpolicy("runtimes", name)
    assert done.returncode == 0
    assert "libgomp\n" in done.stdout and "  do       OMP_NUM_THREADS=1" in done.stdout
    assert "  run      scikit-learn " in done.stdout


def test_a_name_that_nobody_knows():
    done = forkpolicy("runtimes", "nonsense")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'forkpolicy: no runtime or package "nonsense" is known: forkpolicy runtimes lists them\n'


@pytest.mark.parametrize("arguments", [("--jsn",), ("polars", "torch")])
def test_bad_arguments(arguments):
    done = forkpolicy("runtimes", *arguments)
    assert done.returncode == 2 and arguments[-1] in done.stderr


def checked(tmp_path, text):
    path = tmp_path / "requirements.txt"
    path.write_text(text)
    return forkpolicy("check", path)


# requirement: how the line that is said of it begins, or None where nothing is
REQUIREMENTS = {
    "polars==2.1.0": "polars==2.1.0: lost: ",
    "polars": "polars: lost: ",
    "Polars[all] >= 1 ; python_version > '3.8'  # fast": "Polars[all] >= 1: lost: ",
    "deltalake==0.18.2": "deltalake==0.18.2: lost: ",
    "deltalake<0.19": "deltalake<0.19: lost: ",
    "deltalake>=0.15,<0.19.0 # old": "deltalake>=0.15,<0.19.0: lost: ",
    "deltalake<1": "deltalake<1: refuses: ",
    "deltalake~=0.18.1": "deltalake~=0.18.1: lost: ",
    "deltalake": "deltalake: refuses: ",
    "scikit_learn": "scikit_learn: libgomp: reset: ",
    "numpy==2.4.6": None,
    "lancedb": None,
    "lancedb == 0.30.2": "lancedb == 0.30.2: lost: ",
    "no-such-package==1": "no-such-package: not in the table",
}


@pytest.mark.parametrize("line", REQUIREMENTS)
def test_each_requirement(line, tmp_path):
    done = checked(tmp_path, f"# what the job needs\n--index-url here\n\n{line}\n")
    wanted = REQUIREMENTS[line]
    said = [each for each in done.stdout.splitlines()[:-1] if not each.startswith("  do  ")]
    if wanted:
        assert said and all(each.startswith(wanted.split(":")[0]) for each in said)
        assert any(each.startswith(wanted) for each in said)
    else:
        assert said == []
    assert done.returncode == (1 if wanted and "not in the table" not in wanted else 0)
    assert done.stdout.splitlines()[-1].startswith("1 package: ")


# What names packages in a way that is not read, or is nothing that pip would take.
UNREADABLE = ["-r base.txt", "-e .", "./local", "dist/one-1.0.whl", "one-1.0-py3-none-any.whl", "git+https://host/one",
              "polars 1.0", "polars=1.0", "polars=>1.0", "polars==", "polars>=1,", "polars>=1 <2", "=1.0", "@one"]


@pytest.mark.parametrize("line", UNREADABLE)
def test_a_line_that_is_not_read_is_named(line, tmp_path):
    done = checked(tmp_path, f"# first\nnumpy==2.4.6\n  {line}  # why\n")
    assert done.stderr == f"forkpolicy: {tmp_path}/requirements.txt:3: not read: {line}\n"
    assert done.stdout.splitlines()[-1].startswith("1 package: ") and done.stdout.endswith("; 1 line not read\n")


LONGER = """\ufeffnumpy==2.4.6 \\
    --hash=sha256:00 \\
    --hash=sha256:11
--index-url https://host/simple
lancedb>=0.32 ; python_version < "3.9"
pandas (>=1.0,<9)
one @ https://host/one.whl#sha256=00
polars 1
"""


def test_lines_that_go_on_count_once_and_numbers_are_the_files(tmp_path):
    done = checked(tmp_path, LONGER)
    assert done.stderr == f"forkpolicy: {tmp_path}/requirements.txt:8: not read: polars 1\n"
    assert done.stdout.splitlines()[-1].startswith("4 packages: "), done.stdout


@pytest.mark.parametrize("text", ["", "# nothing\n-r other.txt\n./local\n"])
def test_a_file_that_names_no_package(text, tmp_path):
    done = checked(tmp_path, text)
    assert done.returncode == 2 and "no line of it names a package" in done.stderr


def test_a_file_that_is_not_there():
    done = forkpolicy("check", "/nowhere/requirements.txt")
    assert done.returncode == 2 and "/nowhere/requirements.txt: No such file" in done.stderr
