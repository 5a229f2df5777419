# SPDX-License-Identifier: Apache-2.0
"""The Python environments of the recipes: one for each group, below build/."""

import json
import os
import shutil
import subprocess
import sys

import recipes

ROOT = recipes.HERE.parent.parent
BUILD = ROOT / "build"
HELD = ("torch",)  # at their versions even where the newest is asked for: a bare name is gigabytes of CUDA


def normal(name):
    """A package's name as PEP 503 compares it."""
    return name.lower().replace("_", "-").replace(".", "-")


def where(group, newest=False):
    """A group of tests/requirements has its environment from there, any other one from its recipes."""
    if (recipes.REQUIREMENTS / f"{group}.txt").exists() and not newest:
        return BUILD / "venv" / group
    return BUILD / "knowledge" / (f"newest-{group}" if newest else group)


def wanted(group, chosen, newest):
    packages = sorted({package for each in chosen if each.group == group for package in each.packages})
    names = [package if package.partition("==")[0] in HELD else package.partition("==")[0] for package in packages]
    return names if newest else packages


def make(group, packages, newest=False):
    """Makes the environment, or brings it up to date; its interpreter, or None where pip could not."""
    folder = where(group, newest)
    python, ready = folder / "bin" / "python", folder / ".packages"
    asked = "\n".join(packages)
    if folder.parent == BUILD / "venv" or (ready.exists() and ready.read_text() == asked and not newest):
        return python if python.exists() else None
    print(f"setting up {folder.relative_to(ROOT)}", file=sys.stderr, flush=True)
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--prefer-binary", *(["--upgrade"] if newest else []), *packages]
    if packages and subprocess.run(command).returncode:
        return None
    ready.write_text(asked)
    return python


def size(group, newest=False):
    """The bytes that it takes on the disk."""
    files = {(found.st_dev, found.st_ino): found for found in map(os.lstat, where(group, newest).rglob("*"))}
    return 512 * sum(found.st_blocks for found in files.values())


def remove(group, newest=False):
    """Those of tests/requirements stay: other tests need them."""
    folder = where(group, newest)
    if folder.parent != BUILD / "venv":
        shutil.rmtree(folder, ignore_errors=True)


def versions(python):
    """What is installed: {normalised name: version}."""
    code = "import importlib.metadata as m, json; print(json.dumps([[d.name, d.version] for d in m.distributions()]))"
    listing = subprocess.run([python, "-I", "-c", code], check=True, stdout=subprocess.PIPE, timeout=60)
    return {normal(name): version for name, version in json.loads(listing.stdout)}
