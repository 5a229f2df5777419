# SPDX-License-Identifier: Apache-2.0
"""@pytest.mark.forkpolicy: what the forks of one test may lose. See pytest_plugin.py.

Its arguments are entries of a policy that say ``off`` (``"off:polars"``, ``"off@tests/*.py"``), or
``allow="polars"``; ``reason="..."`` is for the records. It holds for the thread that runs the test,
its setup and its teardown. Every other action must hold from the start of the process.
"""

import contextlib
import re
import subprocess

import pytest

from .allowing import allow

NAME = "forkpolicy"
HELP = (
    'forkpolicy(*entries, allow=None, reason=None): forks of this test may lose what entries such as "off:polars", '
    'or allow="polars", name'
)


class Marker:
    """Registered by pytest_plugin."""

    def pytest_configure(self, config):
        config.addinivalue_line("markers", HELP)

    def pytest_collection_modifyitems(self, items):
        checked = {}  # entries: what is wrong with them
        wrong = []
        for item in items:
            for mark in item.iter_markers(NAME):
                try:
                    runtimes_of(mark, checked)
                except ValueError as error:
                    wrong.append(f"{item.nodeid}: @pytest.mark.{NAME}: {error}")
        if wrong:
            raise pytest.UsageError("\n".join(dict.fromkeys(wrong)))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item):
        with contextlib.ExitStack() as stack:
            for mark in item.iter_markers(NAME):
                stack.enter_context(allow(*runtimes_of(mark), reason=mark.kwargs.get("reason")))
            yield


def runtimes_of(mark, checked=None):
    """What a mark allows, as allow() takes it. ValueError: in words; the program is asked with `checked`."""
    unknown = set(mark.kwargs) - {"allow", "reason"}
    allowed = mark.kwargs.get("allow") or ()
    entries = [f"off:{each}" for each in ([allowed] if isinstance(allowed, str) else allowed)]
    if unknown:
        raise ValueError(f"unknown argument {sorted(unknown)[0]} (known: allow, reason)")
    if not isinstance(mark.kwargs.get("reason") or "", str):
        raise ValueError("reason is no string")
    for text in mark.args:
        if not isinstance(text, str):
            raise ValueError(f"{text!r} is no string (want an entry such as \"off:polars\")")
        entries += text.split(",")
    if not entries:
        raise ValueError('it says nothing (want an entry such as "off:polars", or allow="polars")')
    return [runtime_of(entry.strip(), checked) for entry in entries]


def runtime_of(entry, checked):
    if checked is not None:
        if entry not in checked:
            checked[entry] = complaint(entry)
        if checked[entry]:
            raise ValueError(checked[entry])
    action, mark, rest = re.match(r"([^:@]*)([:@]?)(.*)", entry, re.S).groups()
    if action.strip() != "off":
        raise ValueError(f'"{entry}": only "off" can be asked for by a mark')
    return rest if mark == ":" else mark + rest or "*"


def complaint(entry):
    """What the program says of an entry; "": nothing, or there is no program."""
    from .__main__ import program

    try:
        done = subprocess.run(
            [program(), "check", "--policy", entry],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError, SystemExit):
        return ""
    said = done.stderr.decode(errors="replace").strip().replace("forkpolicy: --policy ", "", 1)
    return f'"{entry}" {said}' if done.returncode else ""
