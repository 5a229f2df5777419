"""Programs of another libc that inherit the preload run as without it.

SPDX-License-Identifier: Apache-2.0
"""

import shutil

import pytest

import support


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    compiler = shutil.which("musl-gcc")
    if not compiler:
        pytest.skip("musl-gcc (Debian's musl-tools) is not installed")
    path = tmp_path_factory.mktemp("musl") / "threads_and_forks"
    source = support.ROOT / "tests" / "prog" / "musl" / "threads_and_forks.c"
    made = support.run([compiler, "-O1", "-o", path, source], preload=False)
    assert made.status == 0, made
    return path


@pytest.mark.parametrize("policy", [None, "warn", "refuse", "off"])
def test_as_bare(program, policy):
    bare = support.run([program], preload=False, isolated=True)
    assert bare.status == 0 and bare.stdout == "thread 1\nfork 7\nvfork 9\n" * 2, bare
    outcome = support.run([program], policy=policy, isolated=True)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, bare.stdout, ""), outcome


def test_it_is_seen(program, tmp_path):
    """The shim does more than load: the fork beside a thread is in the log."""
    outcome = support.run([program], log=tmp_path / "log", isolated=True)
    (record,) = outcome.of("fork")
    assert record["threads"] == 2 and record["unattributed"] == 0, record
    assert [runtime["dso"] for runtime in record["runtimes"]] == [str(program)]


def test_a_refused_fork(program):
    """The parent gets -1 there, too."""
    outcome = support.run([program], policy="refuse:*threads_and_forks", isolated=True)
    assert outcome.status == 0, outcome
    assert outcome.stdout == "thread 1\nfork 7\nvfork 9\nthread 1\nfork -1\nvfork 9\n"
    assert len([line for line in outcome.said if "refused" in line]) == 1
