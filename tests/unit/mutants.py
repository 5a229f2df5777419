# SPDX-License-Identifier: Apache-2.0
"""Puts each line of mutants.txt into the code, in a copy of the tree, and runs the unit tests of that file.

usage: mutants.py [--lines]; exit status 1 where more than one in ten is not noticed, or a line does not apply.
--lines: only asks whether each line applies.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_UNSEEN = 0.1


def mutants():
    for line in (ROOT / "tests/unit/mutants.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            path, old, new = re.split(r" \| ?", line.strip() + " ", maxsplit=2)
            yield path.strip(), plain(old), plain(new)


def plain(text):
    r"""\| is a bar, \n the end of a line, \\n the two characters."""
    meant = {"\\|": "|", "\\n": "\n", "\\\\n": "\\n"}
    return re.sub(r"\\\\n|\\n|\\\|", lambda found: meant[found[0]], text.strip())


def copy_to(folder):
    for path in ROOT.glob("*"):
        if path.name not in (".git", "build"):
            os.symlink(path, folder / path.name)
    (folder / "shim").unlink()
    shutil.copytree(ROOT / "shim", folder / "shim")
    shutil.copytree(ROOT / "build" / "unit", folder / "build" / "unit", symlinks=True)
    for name in ("known.c", ".packages"):
        if (ROOT / "build" / name).exists():
            shutil.copy2(ROOT / "build" / name, folder / "build" / name)


def why_not(path, old):
    """Why a line does not apply, or None."""
    times = (ROOT / path).read_text().count(old)
    return None if times == 1 else f"its text is there {times} times"


def check_lines():
    wrong = [(why_not(path, old), path, old) for path, old, _ in mutants() if why_not(path, old)]
    for why, path, old in wrong:
        print(f"mutants.txt: {why}: {path}: {old!r}")
    return 1 if wrong else 0


def programs_of(path):
    """The unit tests of a file: a program, or one for each topic."""
    stem = path.removesuffix(".c")
    topics = sorted((ROOT / "tests/unit" / stem).glob("*.c"))
    return [f"build/unit/topics/{stem}/{topic.stem}" for topic in topics] or [f"build/unit/{stem}"]


def passes(folder, program):
    return subprocess.run([f"./{program}", "--jobs", "2"], cwd=folder, capture_output=True, timeout=120).returncode == 0


def outcome(folder, path, old, new):
    """noticed, unseen, or why the mutant is none."""
    text = (ROOT / path).read_text()
    if why_not(path, old):
        return why_not(path, old)
    (folder / path).write_text(text.replace(old, new))
    programs = programs_of(path)
    built = subprocess.run(["make", "WARNINGS=", *programs], cwd=folder, capture_output=True, text=True)
    try:
        if built.returncode:
            return "it does not compile: " + built.stderr.strip().splitlines()[0]
        return "unseen" if all(passes(folder, program) for program in programs) else "noticed"
    except subprocess.TimeoutExpired:
        return "noticed"
    finally:
        (folder / path).write_text(text)


def main():
    counts = {"noticed": 0, "unseen": 0}
    with tempfile.TemporaryDirectory() as name:
        copy_to(Path(name))
        for path, old, new in mutants():
            said = outcome(Path(name), path, old, new)
            counts[said] = counts.get(said, 0) + 1
            if said != "noticed":
                print(f"{said}: {path}: {old!r} -> {new!r}", flush=True)
    total = sum(counts.values())
    print(f"mutants: {counts['noticed']} of {total} noticed by the unit tests")
    broken = total - counts["noticed"] - counts["unseen"]
    return 1 if broken or counts["unseen"] > MOST_UNSEEN * total else 0


if __name__ == "__main__":
    sys.exit(check_lines() if sys.argv[1:] == ["--lines"] else main())
