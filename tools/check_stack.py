# SPDX-License-Identifier: Apache-2.0
"""How much of the host's stack the shim uses, added up along its calls by what gcc says of each function.

usage: check_stack.py LIMITS FOLDER ...: LIMITS (stack.txt) has lines "BYTES PATTERN": of the functions whose names
match, each may use so much, with all that it calls directly; and lines "calls itself TIMES FUNCTION". FOLDERs hold what gcc -fcallgraph-info=su wrote. Calls
through pointers (libc's own functions, a stack of the shim's own) end the path, and so do functions of other libraries.
Exit status 1 where one uses more, or calls itself; a pattern that matches nothing is an error, too.
"""

import fnmatch
import re
import sys
from functools import lru_cache
from pathlib import Path

NODE = re.compile(r'node: \{ title: "([^"]*)" label: "[^"]*\\n(\d+) bytes \(([^)]*)\)')
EDGE = re.compile(r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"')
CALL = 8  # the return address, which gcc counts with neither


def read(folders):
    """{function: bytes}, {function: those it calls}."""
    sizes, calls = {}, {}
    for path in (path for folder in folders for path in sorted(Path(folder).rglob("*.ci"))):
        text = path.read_text()
        for name, size, kind in NODE.findall(text):
            if kind == "dynamic":
                raise SystemExit(f"{name}: no bound for its stack")
            sizes[name] = max(int(size) + CALL, sizes.get(name, 0))
        for source, target in EDGE.findall(text):
            calls.setdefault(source, set()).add(target)
    return sizes, calls


def main(limits, *folders):
    sizes, calls = read(folders)
    bad = []

    @lru_cache(None)
    def worst(name):
        """(bytes, the path that takes them)."""
        if name in path:
            raise SystemExit(f"{name} calls itself: {' > '.join(path)}")
        path.append(name)
        below = max((worst(called) for called in calls.get(name, ()) if called in sizes), default=(0, ()))
        path.pop()
        return sizes[name] + below[0], (name, *below[1])

    path = []
    largest = {}
    lines = [line for line in Path(limits).read_text().splitlines() if line.strip() and line[0] != "#"]
    for *_, times, name in (line.split() for line in lines if line.startswith("calls itself")):
        sizes[name] *= 1 + int(times)
        calls[name].remove(name)
    for line in (line for line in lines if line[0].isdigit()):
        most, pattern = int(line.split()[0]), line.split()[1]
        found = [name for name in sizes if fnmatch.fnmatch(name, pattern)]
        if not found:
            bad.append(f"{limits}: no function is called {pattern}")
        for name in found:
            largest[name] = min(most, largest.get(name, most))
    used = {name: worst(name) for name in largest}
    for name, most in largest.items():
        if used[name][0] > most:
            steps = " > ".join(f"{step.rpartition(':')[2]} {sizes[step]}" for step in used[name][1])
            bad.append(f"{name} uses {used[name][0]} bytes of the stack, {most} at most: {steps}")
    for line in bad:
        print(line, file=sys.stderr)
    name = max(used, key=lambda each: used[each][0])
    print(f"stack: {len(used)} ways into the shim, {used[name][0]} bytes at most ({name})")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
