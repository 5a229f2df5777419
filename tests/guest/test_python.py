# SPDX-License-Identifier: Apache-2.0
"""Python programs that do well: their children are not called proven hangs, nor changed."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest

import support
from rows import HERE, POLICIES, Row, check, parametrize, run

sys.path.append(str(HERE.parent / "python"))
import interpreters  # noqa: E402: found by the path just set

JOBS = HERE / "jobs"
FUNCTIONS = re.compile(r"^    (\w+),$", re.MULTILINE)


def job_rows(job, names=None, policies=POLICIES, **settings):
    """A job's functions, as its tables name them."""
    file = JOBS / f"{job}.py"
    command = (support.environment_python("wheels"), file)
    return [
        Row(job, name, policy, command=command, **settings)
        for name in names or FUNCTIONS.findall(file.read_text())
        for policy in policies
    ]


@parametrize(job_rows("parked"))
def test_worker_may_sleep_until_it_is_ended(row, outcomes):
    check(row, outcomes)


SOON = (("FORKPOLICY_OPTIONS", "hang_seconds=1"),)


@parametrize(job_rows("managers", env=SOON))
def test_server_of_a_manager_at_rest(row, outcomes):
    """Not even suspected: nothing that it waits for was lost."""
    check(row, outcomes)
    assert not [hang for outcome in outcomes(row)[1] for hang in outcome.of("hang")]


@pytest.mark.parametrize("name", FUNCTIONS.findall((JOBS / "managers.py").read_text()))
def test_ci_lets_a_job_with_a_manager_go_on(name, tmp_path):
    job = [support.environment_python("wheels"), JOBS / "managers.py", name]
    command = [support.PROGRAM, "run", "--ci", "--options", "hang_seconds=1", "--", *job]
    env = {"MANAGERS_SECONDS": "9"}  # past the five in which all is idle
    outcome = support.run(command, preload=False, env=env, timeout=40)
    assert outcome.status == 0 and outcome.stdout.endswith("well\n"), outcome


def listed(job, table):
    """The names in one table of a job."""
    text = (JOBS / f"{job}.py").read_text()
    return FUNCTIONS.findall(re.search(rf"^{table} = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)[1])


@parametrize(job_rows("signalled", listed("signalled", "RESCUED") + listed("signalled", "RESTING")))
def test_signal_may_end_a_wait(row, outcomes):
    check(row, outcomes)


def signalled(name, policy, folder, **options):
    (row,) = job_rows("signalled", [name], [policy])
    text = ",".join(f"{key}={value}" for key, value in options.items())
    return run(replace(row, env=(("FORKPOLICY_OPTIONS", text),)), folder / "run")


@pytest.mark.parametrize("name", listed("signalled", "HUNG"))
def test_handler_that_wakes_nobody_is_no_rescue(name, tmp_path):
    outcome = signalled(name, "fail", tmp_path)
    (hang,) = outcome.of("hang")
    assert (hang["verdict"], hang["reason"], hang["outcome"]) == ("proven", "alone", "raised"), hang
    assert outcome.stdout == "child ended with 1\n", outcome


@pytest.mark.parametrize("name", listed("signalled", "TOLD_TO_END"))
def test_child_that_only_a_signal_could_end(name, tmp_path):
    """It is told in time, given its grace, and then treated as what it is."""
    outcome = signalled(name, "fail", tmp_path, grace_seconds=3, on_proven="exit")
    (hang,) = outcome.of("hang")
    assert (hang["verdict"], hang["reason"], hang["outcome"]) == ("proven", "signal", "exited"), hang
    assert 3 <= hang["waiting"]["seconds"] < 6 and outcome.stdout == "child ended with 70\n", outcome
    reports = [line for line in outcome.stderr.splitlines() if re.match(r"forkpolicy: pid", line)]
    assert "can never go on" in reports[0] and "with status 70" in reports[1], outcome
    assert len(reports) == 2 and "for 0." in outcome.stderr, outcome


@pytest.mark.parametrize("name", ["exits", "sets_a_global"])
def test_child_of_a_server_is_told_in_time_under_warn(name, tmp_path):
    outcome = signalled(name, "warn", tmp_path)
    (hang,) = outcome.of("hang")
    assert (hang["verdict"], hang["outcome"]) == ("proven", "waits") and hang["waiting"]["seconds"] < 2, hang


FORKS_BESIDE_A_THREAD = """
import os, threading
end = threading.Event()
thread = threading.Thread(target=end.wait)
thread.start()
child = os.fork()
if child == 0:
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
end.set()
"""


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("signals", ["INT", "INT TERM USR1", "HUP INT QUIT PIPE TERM"])
def test_fork_where_signals_are_ignored_from_the_start(signals, policy):
    """As in a shell's background jobs: Python then has no handler of its own for SIGINT."""
    python = support.environment_python("wheels")
    ignores = f"trap '' {signals}; exec \"$@\""
    job = [python, "-c", FORKS_BESIDE_A_THREAD]
    outcome = support.run(["/bin/sh", "-c", ignores, "sh", *job], policy=policy, timeout=60)
    assert (outcome.status, outcome.stdout) == (0, "7\n"), outcome


SEVERS = (("FORKPOLICY_OPTIONS", "sever=1"),)
HANDED = ["subprocess_is_handed_it", "subprocess_is_handed_it_without_a_fork_before"]


@parametrize(job_rows("connections", names=HANDED, env=SEVERS))
def test_connection_that_is_handed_over(row, outcomes):
    check(row, outcomes)


@pytest.mark.parametrize(
    "name", ["child_that_lost_a_thread", "child_of_one_thread", "child_after_a_thread_has_ended"]
)
def test_connection_is_cut(name, tmp_path):
    row = Row("connections", name, "reset", command=job_rows("connections", [name])[0].command)
    assert run(replace(row, policy=None), tmp_path / "bare").stdout == "b'from the child'\n"
    outcome = run(replace(row, env=SEVERS), tmp_path / "reset")
    assert (outcome.status, outcome.stdout) == (0, "b''\n"), outcome


HOOKED = ["refuse", "reset", "refuse:polars", "reset:libgomp", "fail"]
MODES = {"-Xdev": {}, "PYTHONDEVMODE": {"PYTHONDEVMODE": "1"}, "PYTHONMALLOC": {"PYTHONMALLOC": "debug"}}


def develop(interpreter, mode, policy, arguments):
    """The outcomes of a Python in development mode: bare, and under a policy."""
    version, path = interpreter
    if not path:
        pytest.skip(f"no CPython {version} on this machine")
    command = [path, *([mode] if mode.startswith("-") else []), "-Wignore", *arguments]
    bare = support.run(command, preload=False, env=MODES[mode])
    assert bare.status == 0, bare
    return bare, support.run(command, policy=policy, env=MODES[mode])


def same(bare, outcome):
    return (outcome.status, outcome.stdout, outcome.stderr) == (bare.status, bare.stdout, bare.stderr)


@pytest.mark.parametrize(
    "mode, policy", [("-Xdev", each) for each in HOOKED] + [(each, "refuse") for each in MODES][1:]
)
@pytest.mark.parametrize("interpreter", interpreters.parameters())
def test_development_mode_ends(interpreter, policy, mode):
    bare, outcome = develop(interpreter, mode, policy, ["-c", "print('well')"])
    assert same(bare, outcome), outcome


@pytest.mark.parametrize("policy", ["refuse", "fail"])
@pytest.mark.parametrize("interpreter", interpreters.parameters())
def test_children_in_development_mode(interpreter, policy):
    bare, outcome = develop(interpreter, "-Xdev", policy, [JOBS / "development.py"])
    assert same(bare, outcome), outcome


@pytest.mark.parametrize("interpreter", interpreters.parameters())
def test_development_mode_ends_where_forks_are_amplified(interpreter):
    version, path = interpreter
    if not path:
        pytest.skip(f"no CPython {version} on this machine")
    job = [path, "-Xdev", "-Wignore", "-c", "import threading; threading.Thread(target=print, args=['well']).start()"]
    outcome = support.run([support.PROGRAM, "run", "--amplify", "50", "--", *job], preload=False)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "well\n", ""), outcome


@pytest.mark.parametrize("policy", HOOKED + ["warn"])
@pytest.mark.parametrize("interpreter", interpreters.parameters())
def test_fork_keeps_nothing(interpreter, policy):
    version, path = interpreter
    if not path:
        pytest.skip(f"no CPython {version} on this machine")
    outcome = support.run([path, JOBS / "kept.py"], policy=policy)
    assert (outcome.status, outcome.stdout) == (0, "gone\n"), outcome


@pytest.fixture(scope="module")
def repeating(tmp_path_factory):
    library = tmp_path_factory.mktemp("repeats") / "librepeats.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, JOBS / "repeats.c"], check=True)
    return library


@pytest.mark.parametrize("policy", ["fail", "refuse", "reset"])
def test_wait_that_is_repeated_whatever_is_raised_is_ended(policy, repeating, tmp_path):
    """A hang, in truth: an exception does not end it, so that the process must end."""
    outcome = support.run(
        [support.environment_python("wheels"), JOBS / "repeats.py", repeating],
        policy=policy,
        log=tmp_path / "log",
        timeout=20,
    )
    assert (outcome.status, outcome.stdout) == (0, "status 70\n"), outcome
    assert 1 <= len(outcome.of("hang")) <= 2


@pytest.fixture(scope="module")
def embedding(tmp_path_factory):
    """jobs/embeds.c with the static library of Debian's Python, all of it."""
    program = tmp_path_factory.mktemp("embeds") / "embeds"
    version = (interpreters.ask_interpreter("/usr/bin/python3") or ["", "3"])[1]
    archive = ["-Wl,--whole-archive", f"-l:libpython{version}.a", "-Wl,--no-whole-archive"]
    built = subprocess.run(
        ["gcc", "-std=gnu11", "-O2", "-no-pie", "-Wl,-E", "-o", program, JOBS / "embeds.c"]
        + [*archive, "-l:libexpat.so.1", "-lz", "-lm", "-pthread"],
        capture_output=True,
    )
    if built.returncode:
        pytest.skip(f"no libpython{version}.a to link (libpython{version}-dev, zlib1g-dev)")
    return program


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    "name", ["without_the_gil", "with_the_gil", "helper_is_woken"]
)
def test_program_that_has_python_linked_in(name, policy, embedding, tmp_path):
    row = Row("embeds", name, policy, command=(embedding,), env=(("PYTHONHOME", "/usr"),))
    bare = run(replace(row, policy=None), tmp_path / "bare")
    outcome = run(row, tmp_path / policy)
    check(row, lambda _: (bare, [outcome]))
