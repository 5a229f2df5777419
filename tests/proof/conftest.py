# SPDX-License-Identifier: Apache-2.0
"""The figures of the storms, at the end of a run."""


def pytest_terminal_summary(terminalreporter):
    for line in getattr(terminalreporter.config, "figures", []):
        terminalreporter.write_line(line)
