# SPDX-License-Identifier: Apache-2.0
"""Reads policy/known.policy for what is generated beside it, and for tests of it."""

import fnmatch
import itertools
import operator
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATH = ROOT / "policy" / "known.policy"
COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}
CONDITION = re.compile(r"version (<=|>=|==|<|>) (\S+)|environment (\S+)")


class Entry:
    """One runtime of the table: its lines, by the word that each begins with."""

    def __init__(self, name, line):
        self.name = name
        self.line = line
        self.lines = {}

    def all(self, word):
        return self.lines.get(word, [])

    @property
    def kind(self):
        return (self.all("kind") or [""])[0]

    @property
    def clauses(self):
        """[(class, [condition])], in the order in which they are asked."""
        found = []
        for text in self.all("class"):
            name, _, condition = text.partition(" when ")
            found.append((name.strip(), [each.strip() for each in condition.split(" and ")] if condition else []))
        return found

    def class_of(self, version, environment):
        for name, conditions in self.clauses:
            if all(holds(condition, version, environment) for condition in conditions):
                return name
        return "unknown"

    @property
    def not_run(self):
        """Why no run is recorded, where the entry says so."""
        for text in self.all("source"):
            found = re.search(r"not run here(?:: (.*))?$", text)
            if found:
                return found.group(1) or ""
        return None


def parts(version):
    """A version's numbers; what stands behind them makes no difference here."""
    return [int(number) for number in re.match(r"[\d.]*", version).group().strip(".").split(".") if number]


def compare(sign, one, other):
    pairs = list(itertools.zip_longest(parts(one), parts(other), fillvalue=0))
    return COMPARE[sign]([a for a, _ in pairs], [b for _, b in pairs])


def holds(condition, version, environment):
    sign, bound, variable = CONDITION.fullmatch(condition).groups()
    if sign:
        return bool(version) and compare(sign, version, bound)
    name, equals, wanted = variable.partition("=")
    if name not in environment:
        return False
    return not equals or fnmatch.fnmatchcase(environment[name], wanted)


def read(path=PATH):
    """{name: Entry}, in the order of the file."""
    return parse(pathlib.Path(path).read_text())


def parse(text):
    entries, entry = {}, None
    for number, line in enumerate(text.splitlines(), 1):
        word, _, value = line.strip().partition(" ")
        if word == "runtime":
            entry = entries[value.strip()] = Entry(value.strip(), number)
        elif entry and word and not word.startswith("#"):
            entry.lines.setdefault(word, []).append(value.strip())
    return entries
