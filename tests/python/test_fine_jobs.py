# SPDX-License-Identifier: Apache-2.0
"""Jobs that are fine: not one word of the shim, and the output and the status they have without.

A tool that speaks here is switched off.
"""

import re
import shutil

import pytest

import support
from python_jobs import POOLS, run_job

POLICIES = [None, "refuse"]  # not set, which is `warn`, and the strictest

PYTHON_JOBS = [
    "loader_over_numpy",
    "training",
    "pool",
    "executor",
    "numpy_in_child",
    "pyarrow_in_child",
    "duckdb_in_child",
    "tokenizers_in_child",
    "bystander",
]


def is_silent(outcome):
    """The shim says nothing: a path may hold the project's name."""
    return "forkpolicy: " not in outcome.stderr + outcome.stdout


def check_same(command, tmp_path, steady=lambda text: text, env=None):
    """Runs COMMAND bare and under each policy, each time in a new folder."""
    outcomes = []
    for name, policy in [("bare", None), *((f"policy-{policy}", policy) for policy in POLICIES)]:
        folder = tmp_path / name
        folder.mkdir()
        outcomes.append(
            support.run(
                command,
                policy=policy,
                preload=name != "bare",
                cwd=folder,
                env=dict(POOLS, TMPDIR=str(folder), **(env or {})),
            )
        )
    bare = outcomes.pop(0)
    assert bare.status == 0, bare
    for outcome in outcomes:
        assert is_silent(outcome) and outcome.status == bare.status, outcome
        assert steady(outcome.stdout) == steady(bare.stdout)
    return bare


@pytest.mark.parametrize("job", PYTHON_JOBS)
def test_python_job(job, tmp_path):
    bare = run_job("fine.py", job, preload=False, tmp=tmp_path)
    assert bare.status == 0, bare
    for policy in POLICIES:
        outcome = run_job(
            "fine.py", job, policy=policy, log=tmp_path / f"log-{policy}", tmp=tmp_path
        )
        forks = outcome.of("fork")
        assert forks  # it had threads to be silent about
        assert not outcome.of("refused")
        if job == "training":
            teams = [
                "libgomp" in [runtime["name"] for runtime in fork["runtimes"]] for fork in forks
            ]
            assert teams == [False, False, True, True]
        assert is_silent(outcome), outcome
        assert (outcome.status, outcome.stdout) == (0, bare.stdout), outcome


XDIST = """
import os, subprocess
import numpy, pytest

@pytest.mark.parametrize("i", range(4))
def test_forks(i):
    assert numpy.ones((300, 300)).dot(numpy.ones((300, 300))).sum() == 27e6
    assert subprocess.run(["true"]).returncode == 0
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


def test_pytest_xdist(tmp_path):
    tests = tmp_path / "test_sample.py"
    tests.write_text(XDIST)
    command = [
        support.environment_python("wheels"),
        "-m",
        "pytest",
        "-n",
        "2",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        "--rootdir",
        tmp_path,
        tests,
    ]
    outcome = check_same(command, tmp_path, lambda text: re.sub(r" in [0-9.]+s", "", text))
    assert "4 passed" in outcome.stdout


SHELL = """
set -e
seq 1 100 | while read n; do echo $((n * 2)); done | sort -rn | head -3
(cd /; pwd)
x=$(echo $(echo nested))
echo "$x" | tee >(cat > copy) | tr a-z A-Z
sleep 0.1 & wait $!
cat < <(printf 'from a pipe\\n')
for i in 1 2 3; do { echo $i; } & done | sort
exit 0
"""

MAKEFILE = """
all: one two three four
one two three four:
\t@sh -c 'echo $@' > $@
\t@cat $@ > $@.copy; test -s $@.copy
.PHONY: all
"""

GIT = """
set -e
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1
git init -q .
git config user.email nobody@example.org
git config user.name nobody
for i in 1 2 3; do
    echo $i > file
    git add file
    git commit -q -m "number $i"
done
git gc -q
git log --format=%s | cat
git stash list
git grep -n 3
git fsck --no-progress
"""

C_PROGRAM = """
#include <stdio.h>
int main(void) { puts("compiled"); return 0; }
"""

VENV = """
set -e
"$1" -m venv made
made/bin/python -m pip --version | cut -d' ' -f1
made/bin/python -c 'import sys; print(sys.prefix != sys.base_prefix)'
"""

SCRIPTS = {
    "bash": SHELL,
    "make": f"cat > Makefile <<'END'\n{MAKEFILE}END\nmake -s -j2\ncat one two three four\n",
    "gcc": f"set -e\ncat > p.c <<'END'\n{C_PROGRAM}END\ngcc -pipe -O2 -o p p.c\n./p\n",
    "git": GIT,
    "venv": VENV,
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_tools(name, tmp_path):
    tool = "bash" if name == "venv" else name
    if not shutil.which(tool):
        pytest.skip(f"no {tool} on this machine")
    python = support.environment_python("wheels")
    check_same(["bash", "-c", SCRIPTS[name], "bash", python], tmp_path)
