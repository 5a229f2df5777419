# SPDX-License-Identifier: Apache-2.0
"""Rows of the table: a program or job x what it does x a policy, and what must be as it is bare."""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import support

HERE = Path(__file__).resolve().parent
BUILT = support.BUILD / "guest"
POLICIES = ["off", "warn", "fail", "refuse", "reset"]
WATCHED = POLICIES[1:]  # under off nothing is
ROUNDS = int(os.environ.get("GUEST_ROUNDS", "3"))
NAMES = re.compile(r"^[A-Z_]+\((\w+)[,)]", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """PROGRAM SCENARIO under POLICY; `told`: the fork itself may be spoken of, or refused."""

    program: str
    scenario: str
    policy: str
    source: str = ""  # where the scenarios are, if not in PROGRAM.c
    env: tuple = ()
    isolated: bool = False
    told: bool = False
    command: tuple = ()  # for what is not a program of prog/
    preload: str = ""  # a library beside the shim
    timeout: float = 25

    def __str__(self):
        return f"{self.program}-{self.scenario}-{self.policy}"

    def bare(self):
        return replace(self, policy=None)


def scenarios(program):
    """What a program can do, in the order of its source."""
    return NAMES.findall((HERE / "prog" / f"{program}.c").read_text())


def built(name):
    path = BUILT / name
    assert path.exists(), f"{path} is not built: run make guest-programs"
    return path


def rows(program, only=None, but=(), policies=POLICIES, source=None, **settings):
    """The decorator of a test of (row, outcomes), for a program's scenarios under each policy."""
    names = only or [each for each in scenarios(source or program) if each not in but]
    return parametrize(
        Row(program, name, policy, **settings) for name in names for policy in policies
    )


def parametrize(made):
    made = list(made)
    return pytest.mark.parametrize("row", made, ids=[str(row) for row in made])


def run(row, folder):
    """One round of a row; what it leaves behind is in a folder of its own."""
    folder.mkdir(parents=True)
    env = {"GUEST_FILE": str(folder / "file"), **dict(row.env)}
    if row.preload:
        libraries = [str(built(row.preload))]
        libraries[:0] = [str(support.LIBRARY)] if row.policy else []
        env["LD_PRELOAD"] = ":".join(libraries)
    command = row.command or (built(row.program),)
    outcome = support.run(
        [*command, row.scenario],
        policy=row.policy,
        preload=row.policy is not None,
        log=folder / "log" if row.policy else None,
        env=env,
        isolated=row.isolated,
        timeout=row.timeout,
        cwd=folder,
    )
    outcome.file = (folder / "file").read_bytes() if (folder / "file").exists() else None
    return outcome


def check(row, outcomes):
    """That each round was as it is bare, and that nothing in it was called a proven hang."""
    bare, shimmed = outcomes(row)
    assert bare.status == 0, f"bare: {bare}"
    for outcome in shimmed:
        proven = [each for each in outcome.of("hang") if each["verdict"] == "proven"]
        assert not proven, proven
        assert outcome.status == bare.status, outcome
        refused = row.told and row.policy == "refuse" and "the fork is refused" in outcome.stdout
        assert outcome.stdout == bare.stdout or refused, outcome
        assert outcome.file == bare.file, outcome.file
        unexpected = [
            line
            for line in outcome.stderr.splitlines()
            if line not in bare.stderr.splitlines()
            and not (row.told and line.startswith("forkpolicy:") and "never go on" not in line)
        ]
        assert not unexpected, outcome
