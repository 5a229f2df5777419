"""A host that loses nothing known runs under the shim exactly as without it.

SPDX-License-Identifier: Apache-2.0
"""

import os
import shutil
import subprocess
from functools import lru_cache

import pytest

import support

DEMO = "libdemo.so"

# name: command below build/prog, exit code. Each is run bare once and then under every policy.
HOSTS = {
    "fork in a signal handler": (["fork_in_handler"], 0),
    "fork in a thread": (["fork_in_thread"], 0),
    "fork in an atfork handler": (["fork_in_atfork"], 0),
    "forks five deep": (["nested_forks"], 6),
    "10,000 threads": (["many_threads", "10000"], 0),
    "a thread's end by every route": (["thread_ends"], 0),
    "main leaves by pthread_exit": (["main_leaves"], 5),
    "no process left to have": (["limits", "processes"], 0),
    "no descriptor left to have": (["limits", "files"], 0),
    "a library closed and opened again": (["close_library", DEMO], 0),
    "errno, signals, descriptors": (["state_kept"], 0),
    "clone": (["clones"], 0),
    "vfork": (["vforks"], 0),
    "forkpty and daemon": (["pty_and_daemon"], 0),
    "system, popen, posix_spawn": (["helpers"], 0),
    "bad attributes": (["bad_attributes"], 0),
    "threads and forks in destructors": (["last_words"], 0),
    "a fork without threads": (["plain"], 0),
    "no fork, no thread": (["idle"], 0),
    "a library with threads": (["load", DEMO], 0),
    "a fork on a small stack": (["load", "thread", "nested", "threads=5", "forks=3", DEMO], 0),
    "forks at the same time": (["forks_at_once", "20"], 0),
    "threads that no hook sees": (["bypass", "owned=2", "clone=2", "libc=2", "timer", "nested"], 0),
}
POLICIES = [None, "warn", "refuse", "off"]


def command_of(arguments):
    return [
        support.host(part) if part.endswith(".so") or not place else part
        for place, part in enumerate(arguments)
    ]


def ended(outcome):
    return outcome.status, outcome.stdout, outcome.stderr


@lru_cache(None)
def bare(name):
    arguments, status = HOSTS[name]
    outcome = support.run(command_of(arguments), preload=False, isolated=True)
    if outcome.status == 77:
        pytest.skip(f"{name}: this system's limits forbid it")
    assert outcome.status == status and outcome.stderr == "", outcome
    return outcome


MANY = "10,000 threads"
ONE_AT_A_TIME = pytest.mark.alone("two such hosts would meet the system's limit of threads")


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy or "unset")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=ONE_AT_A_TIME if name == MANY else ()) for name in HOSTS]
)
def test_as_bare(name, policy):
    arguments, _ = HOSTS[name]
    outcome = support.run(command_of(arguments), policy=policy, isolated=True)
    assert ended(outcome) == ended(bare(name)), outcome


@pytest.mark.parametrize(
    "name", sorted(set(HOSTS) - {MANY, "no descriptor left to have"})
)
def test_as_bare_with_a_log(name, tmp_path):
    """Reading names and writing records is more work at each fork, and must not show either."""
    arguments, _ = HOSTS[name]
    tmp_path.chmod(0o777)  # some hosts change their user
    outcome = support.run(command_of(arguments), policy="warn", log=tmp_path / "log", isolated=True)
    assert ended(outcome) == ended(bare(name)), outcome


def test_no_descriptor_left_for_the_log(tmp_path):
    """The host does not notice; that records are lost is said once, by the whole family."""
    arguments, _ = HOSTS["no descriptor left to have"]
    outcome = support.run(command_of(arguments), log=tmp_path / "log", isolated=True)
    expected = bare("no descriptor left to have")
    assert (outcome.status, outcome.stdout) == (expected.status, expected.stdout), outcome
    (line,) = outcome.said
    assert outcome.stderr == line + "\n" and line.endswith("records are lost")


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy or "unset")
def test_killed_by_a_signal(policy):
    """The signal that ends a host is the one that ends it bare."""
    command = ["sh", "-c", "kill -SEGV $$"]
    assert support.run(command, policy=policy).status == -11
    assert support.run(command, preload=False).status == -11


def demo_policy(folder, *lines):
    """A policy file that knows the demo library as lost, so that there is something to say."""
    path = folder / "demo.policy"
    path.write_text(
        "\n".join(["runtime demo", "    dso */libdemo.so", "    class lost", *lines, ""])
    )
    path.chmod(0o644)
    return path


@pytest.mark.parametrize("policy", ["warn", "refuse"])
def test_descriptor_2_of_the_host_stays_empty(tmp_path, policy):
    """Started without stderr, a host's own file becomes descriptor 2: nothing is said there."""
    own = tmp_path / "own"
    demo = support.host("libdemo.so")
    env = {"FORKPOLICY_FILE": str(demo_policy(tmp_path))}
    outcome = support.run([support.host("load"), demo], policy=policy, env=env, isolated=True)
    assert outcome.said  # there would be something to say
    for closed in ("2>&-", "0<&- 2>&-"):
        host = f"exec {support.host('load')} open={tmp_path}/in open={own} {demo}"
        outcome = support.run(
            ["sh", "-c", f"{host} {closed}"], policy=policy, env=env, isolated=True
        )
        assert outcome.status == 0, outcome
        assert outcome.stderr == ""
        assert own.read_text() == "" and (tmp_path / "in").read_text() == ""
    host = f"exec {support.host('load')} open={tmp_path}/0 open={tmp_path}/1 open={own} {demo}"
    outcome = support.run(
        ["sh", "-c", f"{host} 0<&- 1>&- 2>&-"], policy=policy, env=env, isolated=True
    )
    assert outcome.status == 0 and own.read_text() == "", outcome
    assert (tmp_path / "1").read_text() == (
        "fork: ENOTSUP\n" if policy == "refuse" else "child ended with 3\n"
    )


@lru_cache(None)
def without_proc():
    """A command prefix that runs a host where /proc is not mounted."""
    prefix = ["unshare", "-m", "sh", "-c", 'umount -l /proc && exec "$@"', "sh"]
    probe = subprocess.run(prefix + ["true"], capture_output=True, timeout=30)
    if probe.returncode:
        pytest.skip("this system lets us have no mount namespace")
    return tuple(prefix)


def preloaded(settings):
    """The environment is set for the host alone, not for what prepares its surroundings."""
    return ["env", f"LD_PRELOAD={support.LIBRARY}"] + [
        f"{key}={value}" for key, value in settings.items()
    ]


@pytest.mark.parametrize("policy", ["", "warn", "refuse", "off"])
def test_without_proc(policy):
    command = [*without_proc()]
    expected = support.run([*command, support.host("no_proc")], preload=False)
    assert expected.status == 0 and expected.stdout.startswith("proc 0\n"), expected
    outcome = support.run(
        [*command, *preloaded({"FORKPOLICY": policy}), support.host("no_proc")], preload=False
    )
    assert ended(outcome) == ended(expected), outcome


def test_errno_is_kept_when_all_that_is_tried_fails():
    """No /proc, no log to be opened, and much to say: the host sees the errno that it set."""
    settings = {"FORKPOLICY": "warn:*", "FORKPOLICY_LOG": "/nonexistent/log"}
    host = support.host("state_kept")
    expected = support.run([*without_proc(), host], preload=False)
    outcome = support.run([*without_proc(), *preloaded(settings), host], preload=False)
    assert (outcome.status, outcome.stdout) == (0, expected.stdout), outcome
    assert any("cannot be opened; records are lost" in line for line in outcome.said), outcome


def test_without_proc_what_is_lost_is_said(tmp_path):
    """The thread table alone is enough for the message."""
    settings = {"FORKPOLICY_FILE": demo_policy(tmp_path), "FORKPOLICY_LOG": tmp_path / "log"}
    outcome = support.run(
        [
            *without_proc(),
            *preloaded(settings),
            support.host("load"),
            "thread",
            support.host("libdemo.so"),
        ],
        preload=False,
    )
    assert outcome.status == 0 and outcome.stdout == "child ended with 3\n", outcome
    assert any("demo: 2 native threads" in line for line in outcome.said), outcome
    (record,) = support.read_log(tmp_path / "log")
    assert record["threads"] == 4 and record["unattributed"] == 0


@pytest.mark.parametrize("policy", ["warn:*", "refuse:*", "warn", "refuse"])
def test_the_whole_story_on_a_stack_of_64_kib(tmp_path, policy):
    env = {
        "FORKPOLICY_FILE": str(
            demo_policy(tmp_path, "    advice " + "a" * 290, "    source " + "s" * 290)
        )
    }
    outcome = support.run(
        [support.host("load"), "thread", "forks=3", "threads=9", support.host("libdemo.so")],
        policy=policy,
        log=tmp_path / "log",
        env=env,
        isolated=True,
    )
    assert outcome.status == 0, outcome
    refused = policy.startswith("refuse")
    assert outcome.stdout == ("fork: ENOTSUP\n" if refused else "child ended with 3\n") * 3
    assert len(outcome.records) == 3
    assert len([line for line in outcome.said if "() " in line and "in pid" in line]) == 1


def preload_with(name, order):
    libraries = [str(support.LIBRARY), str(support.host(name))]
    return {"LD_PRELOAD": ":".join(libraries if order == "shim first" else libraries[::-1])}


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy or "unset")
@pytest.mark.parametrize("order", ["shim first", "shim last"])
def test_a_constructor_that_starts_a_thread_and_forks(order, policy):
    alone = {"LD_PRELOAD": str(support.host("libearly.so"))}
    expected = support.run([support.host("plain")], preload=False, env=alone)
    assert expected.stdout == "before main: 19\nchild ended with 3\n", expected
    outcome = support.run(
        [support.host("plain")], policy=policy, env=preload_with("libearly.so", order)
    )
    assert ended(outcome) == ended(expected), outcome


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy or "unset")
@pytest.mark.parametrize("order", ["shim first", "shim last"])
@pytest.mark.parametrize("host", ["plain", "state_kept", "fork_in_atfork"])
def test_a_malloc_that_starts_a_thread_in_its_first_call(host, order, policy):
    alone = {"LD_PRELOAD": str(support.host("libmalloc_thread.so"))}
    expected = support.run([support.host(host)], preload=False, env=alone)
    assert expected.status == 0, expected
    outcome = support.run(
        [support.host(host)], policy=policy, env=preload_with("libmalloc_thread.so", order)
    )
    assert ended(outcome) == ended(expected), outcome


def test_loaded_twice(tmp_path):
    """Under two names, as when a wheel and a checkout both preload it: one does not find the other
    as libc, and nothing goes round in a circle."""
    copy = shutil.copy(support.LIBRARY, tmp_path / "copy.so")
    env = {"LD_PRELOAD": f"{support.LIBRARY}:{copy}"}
    for name in (
        "fork in a thread",
        "clone",
        "vfork",
        "forkpty and daemon",
        "a thread's end by every route",
    ):
        outcome = support.run(command_of(HOSTS[name][0]), env=env)
        assert ended(outcome) == ended(bare(name)), outcome


def test_a_constructors_thread_is_known(tmp_path):
    """Started before our constructor ran, by a library whose turn came first."""
    outcome = support.run(
        [support.host("plain")], log=tmp_path / "log", env=preload_with("libearly.so", "shim first")
    )
    assert [record["threads"] for record in outcome.of("fork")] == [2, 2], outcome
    for record in outcome.of("fork"):
        (runtime,) = record["runtimes"]
        assert os.path.basename(runtime["dso"]) == "libearly.so" and runtime["threads"] == 1


@pytest.mark.parametrize("policy", ["warn", "fail", "reset"])
def test_a_childs_end_breaks_off_no_wait_of_another_thread(policy, tmp_path):
    """A SIGCHLD that nobody handles wakes nobody, also while a record is written."""
    command = [support.host("epoll_beside_forks"), 2000]
    outcome = support.run(command, policy=policy, log=tmp_path / "log")
    assert (outcome.status, outcome.stdout) == (0, "done\n"), outcome
    assert len(outcome.of("fork")) == 2000
