# SPDX-License-Identifier: Apache-2.0
"""docs/messages.md: what is printed by the commands that it shows. UPDATE_GOLDEN=1 renews the page."""

import os
import re

import pytest

import pages
import support
from python_jobs import POOLS

FILE = support.ROOT / "docs" / "messages.md"
PAGE = FILE.read_text()
SECTIONS = re.findall(r"^## .*?(?=^##? |\Z)", PAGE, re.M | re.S)
BLOCK = re.compile(r"```console(?P<facts>[^\n]*)\n\$ (?P<command>.*?)\n(?P<shown>.*?)```", re.S)
FILES = re.compile(r'```\w+ title="(.*?)"\n(.*?)```', re.S)
LIMIT = 60  # seconds
HEADLINE = 100  # characters at most
LINES = 15


def fact(block, name, otherwise):
    found = re.search(rf'{name}="(.*?)"', block["facts"])
    return found[1] if found else otherwise


def packages_of(environment):
    return str(next(support.environment_python(environment).parent.parent.glob("lib/python3*/site-packages")))


def typed(block, folder):
    """(status, output) of the block's command, in the environment that it names, and with the packages of another."""
    programs = support.environment_python(fact(block, "environment", "wheels")).parent
    paths = [str(support.ROOT / "python"), *map(packages_of, fact(block, "packages", "").split())]
    bin = folder / "bin"
    bin.mkdir(exist_ok=True)
    if not (bin / "forkpolicy").exists():
        (bin / "forkpolicy").symlink_to(support.PROGRAM)
    env = dict(
        POOLS,
        PATH=f"{bin}:{programs}:{os.environ['PATH']}",
        TMPDIR="/tmp",
        PYTHONPATH=":".join(paths),
        PYTEST_ADDOPTS="-p forkpolicy.pytest_plugin -p no:cacheprovider",  # as installed
    )
    command = ["sh", "-c", f"exec 2>&1; {block['command']}"]
    done = support.run(command, preload=False, cwd=folder, env=env, timeout=LIMIT)
    return done.status, done.stdout


def name(section):
    return re.sub(r"\W+", "-", section.splitlines()[0].lstrip("# ")).lower()


def check_brief(said):
    """A job that --ci has ended: its message is short, its first line fits on a screen."""
    lines = [line for line in said.splitlines() if line.startswith("forkpolicy:")]
    assert len(lines) <= LINES and len(lines[0]) <= HEADLINE, said


@pytest.mark.parametrize("section", SECTIONS, ids=name)
def test_section(section, tmp_path):
    for title, text in FILES.findall(section):
        (tmp_path / title).write_text(text)
    said = {}
    for block in BLOCK.finditer(section):
        status, output = typed(block, tmp_path)
        assert str(status) == fact(block, "status", "0"), output
        said[block["command"]] = pages.folded(output, tmp_path)
        if "--ci" in block["command"]:
            check_brief(output)
    if os.environ.get("UPDATE_GOLDEN"):
        renew(section, said)
        return
    for block in BLOCK.finditer(section):
        shown, now = block["shown"], said[block["command"]]
        assert pages.plain(now) == pages.plain(shown), now


def renew(section, said):
    def with_output(block):
        return f"```console{block['facts']}\n$ {block['command']}\n{said[block['command']]}```"

    FILE.write_text(FILE.read_text().replace(section, BLOCK.sub(with_output, section)))
