# SPDX-License-Identifier: Apache-2.0
"""refuse: the fork fails at the caller's line, in words, and nothing else does."""

import os
import re

import pytest

import support
from python_jobs import JOBS, PACKAGE, POOLS, answer, run_job, versions

POPEN_FORK = [
    ["multiprocessing/process.py", "start", "self._popen = self._Popen(self)"],
    ["multiprocessing/context.py", "_Popen", "return Popen(process_obj)"],
    ["multiprocessing/popen_fork.py", "__init__", "self._launch(process_obj)"],
    ["multiprocessing/popen_fork.py", "_launch", "self.pid = os.fork()"],
]

# case: the job's own line, the last frames below it, and what is said to do instead
FORKS = {
    "os_fork": ("if os.fork() == 0:", [], "start a new program with subprocess"),
    "os_forkpty": ("if os.forkpty()[0] == 0:", [], "start a new program with subprocess"),
    "pty_fork": (
        "if pty.fork()[0] == 0:",
        [["pty.py", "fork", "pid, fd = os.forkpty()"]],
        "start a new program with subprocess",
    ),
    "process": ("worker.start()", POPEN_FORK, 'multiprocessing.set_start_method("forkserver")'),
    "pool": (
        "with FORK.Pool(2) as workers:",
        POPEN_FORK,
        'multiprocessing.set_start_method("forkserver")',
    ),
    "executor": ('workers.submit(int, "1").result()', POPEN_FORK, '"forkserver"'),
    "loader": (
        "for batch in DataLoader(",
        POPEN_FORK,
        'DataLoader(..., multiprocessing_context="forkserver")',
    ),
}

LEAK_OF_A_START = 4  # popen_fork._launch opens two pipes and closes none when the fork fails


def refuse(*arguments, env=None, **settings):
    return run_job("refused.py", *arguments, policy="refuse", env=env, **settings)


def check_message(message, call):
    name = f"polars_runtime_32 {versions('wheels')['polars-runtime-32']}"
    assert re.match(
        rf"{call} refused: the child would be without \d+ polars threads \(polars-.*\) of polars "
        rf"\({name}\), and would hang where it needs them\. Instead: ",
        message,
    )
    assert "as polars' guide on multiprocessing says" in message  # the table's advice
    assert "off:polars" in message  # and how to have the fork all the same


def check_block(outcome, call):
    """However often it is refused, it is said once."""
    heads = [line for line in outcome.said if not line.startswith("forkpolicy:   ")]
    assert len(heads) == 1
    assert f"{call}() refused in pid " in heads[0]


@pytest.mark.parametrize("case", FORKS)
def test_error_at_the_line(case, tmp_path):
    line, below, instead = FORKS[case]
    call = "forkpty" if "pty" in case else "fork"
    log, tries = tmp_path / "log", 20
    outcome = refuse(case, tries, log=log)
    result = answer(outcome)
    error = result["error"]
    assert (error["module"], error["name"]) == ("forkpolicy", "ForkPolicyError")
    assert error["runtime_error"]
    own = [frame for frame in error["frames"] if frame[0] == str(JOBS / "refused.py")]
    assert own[-1][2].startswith(line)
    last = error["frames"][-len(below) :] if below else []
    assert [frame[1:] for frame in last] == [frame[1:] for frame in below]
    assert all(frame[0].endswith(f"/{expected[0]}") for frame, expected in zip(last, below))
    assert below or error["frames"][-1] == own[-1]
    check_message(error["message"], call)
    assert instead in error["message"]
    assert error["copy"] == ["builtins", "RuntimeError", True, False]
    # One record for each refusal, and not one fork.
    assert len(outcome.of("refused")) == tries + 1
    assert not outcome.of("fork")
    assert {record["child"] for record in outcome.of("refused")} == {None}
    assert {record["call"] for record in outcome.of("refused")} == {call}
    check_block(outcome, call)
    assert all(said in outcome.stderr.splitlines() for said in outcome.said)
    assert outcome.stderr.splitlines() == outcome.said
    # The process goes on, with what it had.
    assert result["answers"]
    assert result["echo"] == "still here\n"
    before, after = result["before"], result["after"]
    assert after["children"] == before["children"]
    assert after["threads"] == before["threads"]
    # What is left open is what CPython leaves open when a fork of its own fails.
    stock = answer(run_job("refused.py", case, tries, preload=False, env={"STOCK": "1"}))
    assert stock["error"]["name"] == "RuntimeError"
    leak = after["fds"] - before["fds"]
    assert leak == stock["after"]["fds"] - stock["before"]["fds"]
    assert leak <= LEAK_OF_A_START * tries


def test_deltalake_is_refused_too(tmp_path):
    script = (
        "import os, sys, traceback; sys.path.insert(0, sys.argv[1]); import libraries\n"
        "libraries.use('deltalake')\n"
        "try:\n"
        "    os.fork()\n"
        "except RuntimeError:\n"
        "    traceback.print_exc()\n"
        "os._exit(1)  # it crashes in its own clean-up, now and then\n"
    )
    outcome = support.run(
        [support.environment_python("deltalake"), "-c", script, JOBS],
        policy="refuse",
        env=dict(POOLS, TMPDIR=str(tmp_path)),
    )
    assert outcome.status == 1
    assert re.search(
        r"^forkpolicy\.ForkPolicyError: fork refused: the child would be without "
        r"\d+ tokio threads? \(tokio-runtime-w\) of deltalake 0\.18\.2, and would hang where it "
        r"needs them\. Instead: .*pip install \"deltalake>=0\.19\"",
        outcome.stderr,
        re.MULTILINE,
    )
    assert 'File "<string>", line 4, in <module>' in outcome.stderr


def test_error_that_nobody_catches():
    outcome = refuse("os_fork", 0, "uncaught")
    assert outcome.status == 1
    own = outcome.stderr.splitlines()
    own = [line for line in own if not line.startswith("forkpolicy: ")]
    assert own[0] == "Traceback (most recent call last):"
    assert own[-1].startswith("forkpolicy.ForkPolicyError: fork refused: ")
    assert outcome.stdout == ""


@pytest.mark.parametrize("when", ["before", "after"])
def test_class_is_the_package_s(when):
    outcome = refuse("os_fork", 1, when, env={"PYTHONPATH": str(PACKAGE)})
    error = answer(outcome)["error"]
    assert (error["module"], error["name"]) == ("forkpolicy", "ForkPolicyError")
    assert error["is_package_class"] and error["runtime_error"]
    assert error["copy"] == ["forkpolicy", "ForkPolicyError", True, True]


@pytest.mark.parametrize("installed", [True, False])
def test_error_comes_out_of_a_worker(installed):
    arguments = ["before"] if installed else []
    outcome = refuse(
        "in_a_worker", 0, *arguments, env={"PYTHONPATH": str(PACKAGE)} if installed else {}
    )
    error = answer(outcome)["error"]
    kind = ["forkpolicy", "ForkPolicyError"] if installed else ["builtins", "RuntimeError"]
    assert [error["module"], error["name"]] == kind
    check_message(error["message"], "fork")


EXECS = [
    "subprocess_run",
    "subprocess_shell",
    "subprocess_cwd",
    "subprocess_session",
    "subprocess_preexec",
    "subprocess_keeps_fds",
    "subprocess_user",
    "subprocess_popen",
    "subprocess_not_found",
    "os_spawnv",
    "os_spawnvpe",
    "pty_spawn",
    "os_system",
    "os_popen",
    "os_posix_spawn",
    "asyncio_exec",
    "asyncio_shell",
    "platform_processor",
    "find_library",
    "multiprocessing_spawn",
    "multiprocessing_forkserver",
]


@pytest.mark.parametrize("case", EXECS)
def test_new_programs_are_never_refused(case, tmp_path):
    if case == "subprocess_user" and os.getuid() != 0:
        pytest.skip("user= needs root")
    bare = run_job("execs.py", case, preload=False)
    assert bare.status == 0, bare
    for policy in ["warn", "refuse"]:
        log = tmp_path / policy
        outcome = run_job("execs.py", case, policy=policy, log=log)
        assert (outcome.status, outcome.stdout, outcome.stderr) == (0, bare.stdout, bare.stderr)
        assert not outcome.of("refused")
        assert not [record for record in outcome.of("fork") if record["origin"] == "python"]
