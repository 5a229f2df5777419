"""CPython's own tests of forks, threads and signals: what passes bare passes under every policy.

`make soak`; some 10 minutes for each version and policy.

SPDX-License-Identifier: Apache-2.0
"""

import sys
import xml.etree.ElementTree
from functools import lru_cache

import pytest

from support import ROOT, run

sys.path.insert(0, str(ROOT / "tests" / "python"))

import interpreters  # noqa: E402: found by the path just set

SUITES = [
    "test_fork1",
    "test_threading",
    "test_multiprocessing_fork",
    "test_concurrent_futures",
    "test_subprocess",
    "test_signal",
    "test_os",
    "test_logging",
    "test_asyncio",
]
RETRIES = 3  # of what failed: many of these tests measure time


def passed(python, names, folder, policy=None, only=()):
    """The names of the tests that pass."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    command = [python, "-m", "test", "--timeout", "900", "--junit-xml", report, "-j2", *names]
    for name in only:
        command += ["-m", name]
    run(command, policy=policy, preload=policy is not None, isolated=True, timeout=3600, cwd=folder)
    return {
        case.get("name")
        for case in xml.etree.ElementTree.parse(report).iter("testcase")
        if case.get("status") == "run" and not len(case)
    }


@lru_cache(None)
def suites_of(python):
    """Those that were installed with it."""
    ask = "import importlib.util, sys; print(*[n for n in sys.argv[1:] if importlib.util.find_spec('test.' + n)])"
    return tuple(run([python, "-c", ask, *SUITES], preload=False).stdout.split())


@lru_cache(None)
def passed_bare(python, folder):
    return passed(python, suites_of(python), folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("suites")


@pytest.mark.timeout(3 * 3600)
@pytest.mark.parametrize("policy", ["warn", "fail", "reset"])
@pytest.mark.parametrize("version", ["3.10", "3.11", "3.13"])
def test_what_passes_bare_passes(version, policy, folder):
    python = next(iter(interpreters.find(version).values()), None)
    if not python:
        pytest.skip(f"no CPython {version} on this machine")
    bare = passed_bare(python, folder)
    missing = bare - passed(python, suites_of(python), folder, policy)
    print(f"{version}: {', '.join(suites_of(python))}: {len(bare)} tests pass bare; not at once under {policy}: {sorted(missing)}")
    for _ in range(RETRIES):
        if missing:
            missing -= passed(python, suites_of(python), folder, policy, sorted(missing))
    assert len(bare) > 1000 and not missing, sorted(missing)
