# SPDX-License-Identifier: Apache-2.0
"""The recipes: one file for each way to use a runtime, recipes/NAME.toml.

    group       whose environment this runs in: one of tests/requirements, or all recipes of that group together
    packages    what is installed there, each at one version; the first one is what the recipe is about
    covers      entries of policy/known.policy that the run speaks for, where that is not NAME alone
    rank        of the package among PyPI's downloads; 0 where it is part of Python, 99999 where nobody looked
    older       other versions to look at, each a list of packages with an environment of its own, where none of
                tests/requirements has them
    environment variables of the job
    start       "multiprocessing" where that starts the child, not os.fork()
    patience    seconds of rest after which a child counts as one that hangs
    limit       seconds after which it does although it is awake
    exit        false where a child that uses nothing must not leave by sys.exit()
    needs       what the machine must have, of NEEDS; where it lacks that the recipe is not run, and that is said
    about       what the child does, for the page
    leaves      what the child lets alone, as `uses` of the table's entry has it: what the line at the fork says hangs
    why         why the default policy tells of it though it works, or never though it hangs, for the page
    use         code that makes the runtime's threads live, and work(): the parent calls it before each fork, the
                child after it. child() instead, and `expected` instead of work()'s answer, where they differ.
"""

import re
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE.parent / "requirements"
KEYS = {"group", "packages", "covers", "rank", "older", "environment", "start", "patience", "limit", "exit", "needs"}
KEYS |= {"about", "leaves", "why", "use"}
LINES = 20  # at most
# What it is called, and what is there where it is.
NEEDS = {"gpu": ("a GPU", Path("/dev/nvidiactl"))}


def at_hand(packages):
    """The group of tests/requirements that has these packages at these versions."""
    for path in sorted(REQUIREMENTS.glob("*.txt")):
        if set(packages) <= set(path.read_text().split()):
            return path.stem
    return None


class Recipe:
    """One recipe at one set of versions."""

    def __init__(self, path, packages=None):
        self.path = path
        self.text = tomllib.loads(path.read_text())
        self.name = path.stem
        self.packages = packages or self.text["packages"]
        self.covers = self.text.get("covers", [self.name])
        self.environment = self.text.get("environment", {})
        self.about = self.text["about"]
        self.why = self.text.get("why", "")
        self.leaves = self.text.get("leaves", "")
        self.needs = self.text.get("needs")
        self.rank = self.text["rank"]
        self.old = packages is not None
        self.group = self.text["group"]
        if self.old:
            self.group = at_hand(packages) or re.sub(r"[^A-Za-z0-9.]+", "-", packages[0])

    @property
    def lacks(self):
        """What this machine would need to run it, in words; nothing where it has that."""
        called, path = NEEDS[self.needs] if self.needs else ("", HERE)
        return "" if path.exists() else called

    @property
    def version(self):
        return self.packages[0].partition("==")[2] if self.packages else ""

    def named_versions(self):
        """{package: version}, as the recipe spells them."""
        pairs = (package.partition("==")[::2] for package in self.packages)
        return {name.partition("[")[0]: version for name, version in pairs}

    def __str__(self):
        return f"{self.name} ({' '.join(self.packages) or 'Python'})"


def recipes(only=None):
    """All recipes, each followed by its older versions; those of the names (or groups) ONLY."""
    found = []
    for path in sorted((HERE / "recipes").glob("*.toml")):
        recipe = Recipe(path)
        found.append(recipe)
        found += [Recipe(path, older) for older in recipe.text.get("older", [])]
    if only:
        wanted = set(only.split(","))
        known = {name for each in found for name in (each.name, each.group)}
        if wanted - known:
            raise SystemExit(f"no recipe or group {', '.join(sorted(wanted - known))} in {HERE / 'recipes'}")
        found = [each for each in found if wanted & {each.name, each.group}]
    return found
