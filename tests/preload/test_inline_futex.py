"""inline_futex=1: waits by system calls of a library's own, through syscall user dispatch.

SPDX-License-Identifier: Apache-2.0
"""

import platform

import pytest

import support

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the kernel has it on x86-64")


def dispatched(mode, tmp_path, wanted=1, seconds=60):
    return support.run(
        [support.host("inline_futex"), mode, seconds],
        policy="fail",
        log=tmp_path / "log",
        env={"FORKPOLICY_OPTIONS": f"inline_futex={wanted}"},
        isolated=True,
    )


@pytest.mark.parametrize("mode", ["wait", "blocked", "taken", "thread"])
def test_hangs_without(mode, tmp_path):
    assert dispatched(mode, tmp_path, wanted=0, seconds=2).stdout == "hung\n"


@pytest.mark.parametrize("mode", ["wait", "thread"])
def test_is_ended(mode, tmp_path):
    outcome = dispatched(mode, tmp_path)
    assert outcome.stdout == "status 70\n", outcome
    (hang,) = outcome.of("hang")
    assert hang["verdict"] == "proven"
    assert hang["waiting"]["call"] == "futex"
    assert hang["waiting"]["dso"].endswith("/inline_futex")


@pytest.mark.parametrize("mode", ["blocked", "taken"])
def test_stands_aside_where_the_signal_has_another_use(mode, tmp_path):
    """A blocked SIGSYS would end the thread, and a handler of the program's own is left alone."""
    outcome = dispatched(mode, tmp_path, seconds=2)
    assert outcome.stdout == "hung\n" and not outcome.of("hang"), outcome


def test_other_calls_are_as_bare(tmp_path):
    bare = support.run([support.host("inline_futex"), "calls"], preload=False)
    outcome = dispatched("calls", tmp_path)
    assert bare.stdout.endswith("status 0\n")
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, bare.stdout, "")
