"""Runs of pytest under the plugin, and what they say. SPDX-License-Identifier: Apache-2.0"""

import os
import re
import xml.etree.ElementTree as ElementTree

import support
from python_jobs import PACKAGE, POOLS

LIMIT = 120  # seconds

HEAD = """
import concurrent.futures, multiprocessing, os, time
import pytest

threads = concurrent.futures.ThreadPoolExecutor(1)
threads.submit(str, 42).result()

def work():
    return threads.submit(str, 42).result()  # waits

def use(number):
    return threads.submit(str, number).result()

def fork(function):
    child = os.fork()  # forks
    if child == 0:
        try:
            function()
        finally:
            os._exit(1)
    return child

def until(happened):
    end = time.monotonic() + 60
    while time.monotonic() < end and not happened():
        time.sleep(0.01)

def look(child):
    until(lambda: os.waitpid(child, os.WNOHANG)[0])

def is_told():
    with open(os.environ["FORKPOLICY_LOG"]) as log:
        return '"event":"hang"' in log.read()

def test_fine():
    threads.submit(str, 42).result()

def test_fine_child():
    look(fork(os.getpid))
"""

HANGS = """
def test_hangs():
    look(fork(work))
"""

LAST = """
def test_last():
    assert threads.submit(str, 42).result() == "42"
"""


class Suite:
    """A run of pytest over one file: what it said, and what became of each test by name."""

    def __init__(
        self, folder, source, *arguments, plugin=True, env=None, policy="fail", **settings
    ):
        (folder / "test_suite.py").write_text(source)
        (folder / "tmp").mkdir()
        python = support.environment_python("wheels")
        command = [python, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--tb=short"]
        command += ["--junitxml=junit.xml"]
        if plugin:
            command += ["-p", "forkpolicy.pytest_plugin"]
        if policy:
            command.append(f"--forkpolicy={policy}")
        variables = dict(POOLS, PYTHONPATH=str(PACKAGE), TMPDIR=str(folder / "tmp"), **(env or {}))
        variables["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        settings.setdefault("preload", False)
        self.outcome = support.run(
            command + list(arguments), env=variables, cwd=folder, timeout=LIMIT, **settings
        )
        self.text = self.outcome.stdout
        self.folder = folder

    @property
    def cases(self):
        """[(test, "passed", "failure" or "error", message, text, properties)] from JUnit's XML."""
        found = []
        for case in ElementTree.parse(self.folder / "junit.xml").iter("testcase"):
            properties = [each.get("value") for each in case.iter("property")]
            wrong = [each for each in case if each.tag in ("failure", "error", "skipped")]
            kind = wrong[0].tag if wrong else "passed"
            message = wrong[0].get("message") if wrong else ""
            text = (wrong[0].text or "") if wrong else ""
            found.append((case.get("name"), kind, message, text, properties))
        return found

    @property
    def kinds(self):
        return {name: kind for name, kind, *_ in self.cases}

    def of(self, name):
        (case,) = [case for case in self.cases if case[0] == name]
        return case

    def left(self):
        return [name for name in os.listdir(self.folder / "tmp") if "forkpolicy" in name]


def line_of(source, text):
    return next(i for i, line in enumerate(source.splitlines(), 1) if text in line)


def check_message(text, source, fork="# forks", wait="# waits"):
    assert re.search(
        r"forkpolicy: child \d+ hangs \(proven\): it waits for ThreadPoolExecutor", text
    )
    assert re.search(r"  waits   python 3\.\d+\.\d+ in sem_wait", text)
    assert re.search(rf"  at      \S+/test_suite\.py:{line_of(source, wait)} in ", text)
    assert re.search(rf"  for     ThreadPoolExecutor \(python 3\.\S+\): 1 thread pool thread", text)
    assert re.search(
        rf"  fork    \S+/test_suite\.py:{line_of(source, fork)} in .*;.* by pid \d+", text
    )
    assert re.search(r"  (do|or)      create the executor in the child", text)
    assert re.search("  now     ForkPolicyError (is|was) raised at that line", text)
    assert "/pluggy/" not in text and " pluggy/" not in text
