# SPDX-License-Identifier: Apache-2.0
"""pytest plugin: the test whose forked child hangs, or lost a runtime, fails by name.

``--forkpolicy=fail`` starts Python once more, with the shim preloaded; after each phase of a test
the plugin reads what the shim has written to its log since. Without the option, the ini value of the
same name, or a policy in ``[tool.forkpolicy]`` of pyproject.toml, nothing happens.

Where the package is not installed: ``-p forkpolicy.pytest_plugin`` on the command line.
"""

import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import pytest

from .pytest_marker import Marker
from .pytest_watch import RESTARTED, Watch

NAME = "forkpolicy_watch"  # of the plugin that watches, or says why none does


def pytest_addoption(parser):
    group = parser.getgroup("forkpolicy", "children that hang after a fork")
    group.addoption(
        "--forkpolicy",
        metavar="POLICY",
        help="run the tests under this policy (such as fail), and let a test fail whose forked "
        "child hangs; off: not at all",
    )
    group.addoption(
        "--forkpolicy-strict",
        action="store_true",
        help="let a test fail as well that forks while a runtime is used that is lost in the child",
    )
    parser.addini("forkpolicy", "what --forkpolicy is where it is not given", default="")


def asked_policy(config, options):
    policy = getattr(options, "forkpolicy", None)
    if policy is None:
        policy = config.getini("forkpolicy") or project_policy()
    return "" if policy == "off" else policy


def project_policy():
    """That of [tool.forkpolicy], which the program reads; "" where the environment has another one."""
    policy = project().get("policy", "") if may_have_project() else ""
    return policy if os.environ.get("FORKPOLICY", "") in ("", policy) else ""


def may_have_project():
    """Without a start of the program: whether a pyproject.toml here or above speaks of us."""
    try:
        here = pathlib.Path.cwd()
    except OSError:  # it is gone
        return False
    for folder in (here, *here.parents):
        try:
            if b"forkpolicy" in (folder / "pyproject.toml").read_bytes():
                return True
        except OSError:
            pass
    return False


@functools.lru_cache(None)
def project():
    from .__main__ import program

    try:
        done = subprocess.run(
            [program(), "check", "--project"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError, SystemExit) as error:
        raise pytest.UsageError(f"[tool.forkpolicy]: {error}")
    if done.returncode:
        raise pytest.UsageError(done.stderr.decode(errors="replace").strip())
    return json.loads(done.stdout.decode())


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config):
    """Around pytest's own, which redirects the output: the restart is to have the real one."""
    options = early_config.known_args_namespace
    policy = asked_policy(early_config, options)
    idle = any(getattr(options, name, False) for name in ("collectonly", "help", "version"))
    if policy and not idle and not is_preloaded(policy):
        obstacle = why_not_restarted()
        if obstacle:
            early_config.pluginmanager.register(Idle(obstacle), NAME)
        else:
            check(policy, "--forkpolicy" if options.forkpolicy is not None else "the ini value forkpolicy")
            restart(policy)
    yield


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.pluginmanager.register(Marker(), "forkpolicy_marker")
    policy = asked_policy(config, config.option)
    if not policy or config.option.collectonly or config.pluginmanager.hasplugin(NAME):
        return
    if is_preloaded(policy):
        watch = Watch(config, policy)
    else:
        watch = Idle("the plugin was loaded too late: give -p forkpolicy.pytest_plugin, or install it")
    config.pluginmanager.register(watch, NAME)


# Starting again


def is_preloaded(policy):
    with open("/proc/self/maps") as maps:
        loaded = "/libforkpolicy.so" in maps.read()
    return loaded and os.environ.get("FORKPOLICY") == policy and "FORKPOLICY_LOG" in os.environ


def why_not_restarted():
    """Why this process cannot be started again; "" where it can."""
    if os.environ.get(RESTARTED, "").startswith(f"{os.getpid()} "):
        return "the shim does not load: try `forkpolicy check` with this Python"
    frame = sys._getframe()
    while frame is not None and frame.f_code.co_name != "_prepareconfig":
        frame = frame.f_back
    callers = [each.f_code.co_name for each in (frame.f_back, frame.f_back.f_back)] if frame else []
    if not callers or callers[1] not in ("console_main", "_console_main"):
        return "pytest was called by a program: start that by `forkpolicy run --log FILE`"
    if "pydevd" in sys.modules:
        return "a debugger is there: start it by `forkpolicy run --log FILE`"
    return ""


def check(policy, typed):
    """Says what is wrong with the policy where it was typed, before pytest is started again."""
    from .__main__ import environment, program

    command = [program(), "run", "--policy", policy, "--", "true"]
    variables = {name: value for name, value in environment().items() if name != b"FORKPOLICY_LOG"}
    try:
        done = subprocess.run(command, env=variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    except (OSError, SystemExit, subprocess.TimeoutExpired):
        return  # the restart says why
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode == 2 and said.startswith("forkpolicy: --policy "):
        raise pytest.UsageError(said.replace("forkpolicy: --policy", typed, 1))


def restart(policy):
    """The same command in this process, by `forkpolicy run`, which says what is wrong with it."""
    from .__main__ import environment, program

    token = f"forkpolicy-{os.getpid()}-{os.urandom(8).hex()}.jsonl"
    own_log = os.path.join(tempfile.gettempdir(), token)
    log = os.environ.get("FORKPOLICY_LOG") or own_log
    variables = environment()
    preloads = re.split("[ :]+", os.environ.get("LD_PRELOAD", ""))
    preloads = [path for path in preloads if os.path.basename(path) != "libforkpolicy.so"]
    variables[b"LD_PRELOAD"] = os.fsencode(":".join(preloads))
    mark = f"{os.getpid()} {own_log if log == own_log else ''}"
    variables[os.fsencode(RESTARTED)] = os.fsencode(mark)
    # What the shim would say on stderr stands in the test's report.
    options = ["quiet=1", os.environ.get("FORKPOLICY_OPTIONS")]
    variables[b"FORKPOLICY_OPTIONS"] = os.fsencode(",".join(filter(None, options)))
    command = ["forkpolicy", "run", "--policy", policy, "--log", log, "--", sys.executable]
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(program(), command + own_arguments(), variables)
    except (OSError, SystemExit) as error:
        raise pytest.UsageError(f"--forkpolicy: {error}")


def own_arguments():
    """What followed `python` on the command line: Python's own options, too."""
    if hasattr(sys, "orig_argv"):
        return sys.orig_argv[1:]
    with open("/proc/self/cmdline", "rb") as file:
        return [os.fsdecode(part) for part in file.read().split(b"\0")[1:-1]]


class Idle:
    """Says why nothing is watched though it was asked for."""

    def __init__(self, reason):
        self.reason = reason

    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.section("forkpolicy")
        terminalreporter.write_line(f"nothing was watched: {self.reason}", red=True)
