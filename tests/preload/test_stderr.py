"""Where the shim's text goes, and that writing it changes nothing.

SPDX-License-Identifier: Apache-2.0
"""

import pytest

import support

LOST = "runtime host\n    dso */build/prog/*\n    class lost\n"


def run(*command, tmp_path, **settings):
    policy = tmp_path / "policy"
    policy.write_text(LOST)
    settings.setdefault("env", {})["FORKPOLICY_FILE"] = str(policy)
    outcome = support.run(command, policy="warn", **settings)
    assert outcome.status == 0, outcome
    return outcome


@pytest.mark.parametrize("how", ["database", "twice"])
def test_a_file_that_got_the_number_is_left_alone(how, tmp_path):
    file = tmp_path / "file"
    outcome = run(support.host("becomes_stderr"), how, file, tmp_path=tmp_path)
    assert file.read_text() == "DATABASE\n" and outcome.stderr == ""


def test_a_pipe_that_got_the_number_is_left_alone(tmp_path):
    run(support.host("becomes_stderr"), "pipe", tmp_path / "file", tmp_path=tmp_path)


@pytest.mark.parametrize("how", ["append", "dup2"])
def test_a_file_that_was_put_there_gets_the_text(how, tmp_path):
    file = tmp_path / "file"
    outcome = run(support.host("becomes_stderr"), how, file, tmp_path=tmp_path)
    assert file.read_text().startswith("forkpolicy: fork() allowed") and outcome.stderr == ""


def test_stderr_may_go_where_stdout_goes_and_come_back(tmp_path):
    outcome = run(support.host("becomes_stderr"), "stdout", tmp_path / "file", tmp_path=tmp_path)
    assert outcome.stdout.startswith("forkpolicy: fork() allowed") and outcome.stderr == ""
    outcome = run(support.host("becomes_stderr"), "back", tmp_path / "file", tmp_path=tmp_path)
    assert outcome.stderr.startswith("forkpolicy: fork() allowed")
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.parametrize("log", [False, True])
def test_a_limit_of_the_size_of_files_ends_nobody(log, tmp_path):
    """SIGXFSZ would: for the log, and for a stderr that is a file."""
    command = ["prlimit", "--fsize=0:unlimited", str(support.host("becomes_stderr")), "dup2"]
    run(*command, tmp_path / "file", tmp_path=tmp_path, log=tmp_path / "log" if log else None)
