"""Puts this folder on the import path, where support.py is, and says what `alone` means.

SPDX-License-Identifier: Apache-2.0
"""

import os
import signal

# A job that a shell started in the background ignores SIGINT, and so do all that it starts: Python
# then has no KeyboardInterrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Where these are set pytest tells more, and takes itself for a part of another run, in the jobs
# that run it as well.
for name in ("CI", "BUILD_NUMBER", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
    os.environ.pop(name, None)


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "alone(reason): no other test may run beside it; make runs these in series"
    )


def pytest_collection_modifyitems(items):
    for item in items:
        for mark in item.iter_markers("alone"):
            assert len(mark.args) == 1, f"{item.nodeid}: alone for which reason?"


def pytest_runtest_logreport(report):
    """Names what failed in a file, where there is one for that (tools/run-pytest.sh)."""
    if report.failed and "FAILED_TESTS" in os.environ:
        with open(os.environ["FAILED_TESTS"], "a") as failed:
            failed.write(f"{report.nodeid}\n")


pytest_collectreport = pytest_runtest_logreport
