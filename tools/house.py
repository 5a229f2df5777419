# SPDX-License-Identifier: Apache-2.0
"""Figures of the house: circles of objects, arrows up between rooms, sizes of files.

Usage: house.py [FOLDER...], after a build; BUILD is where it is (build). The rooms are those of
tools/rooms.txt, "ROOM: ROOM..." a line: which others it may use, and what those may use.
"""

import collections
import os
import pathlib
import re
import statistics
import subprocess
import sys

OBJECTS = pathlib.Path(os.environ.get("BUILD", "build"), "obj")
ROOMS = pathlib.Path("tools/rooms.txt")
FOLDERS = ["policy", "common", "shim", "cli", "loader"]


def symbols(path):
    """What an object defines, and what it asks for."""
    lines = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
    kinds = collections.defaultdict(set)
    for line in lines.splitlines():
        kind, name = line.split()[-2:]
        kinds["wanted" if kind == "U" else "defined" if kind in "TDBRCVWGS" else ""].add(name)
    return kinds["defined"], kinds["wanted"]


def graph_of(folder):
    """{object: {other object of the same folder: symbols of that}}"""
    read = {}
    for path in sorted((OBJECTS / folder).rglob("*.o")):
        name = path.relative_to(OBJECTS).with_suffix("")
        if any(pathlib.Path(f"{name}{ending}").exists() for ending in (".c", ".S")):
            read[str(name)] = symbols(path)  # not what an older tree has left behind
    home = {symbol: name for name, (defined, _) in read.items() for symbol in defined}
    graph = {name: collections.defaultdict(set) for name in read}
    for name, (_, wanted) in read.items():
        for symbol in wanted:
            if home.get(symbol, name) != name:
                graph[name][home[symbol]].add(symbol)
    return graph


def circles(graph):
    """Each set of objects that reach one another, of two or more."""
    reach = {name: set(below) for name, below in graph.items()}
    for middle in graph:
        for name in graph:
            if middle in reach[name]:
                reach[name] |= reach[middle]
    found = {frozenset(b for b in reach[a] if a in reach[b]) for a in graph if a in reach[a]}
    return sorted(map(sorted, found), key=len, reverse=True)


def read_rooms():
    """{room: rooms that it may use, itself included}; each stands behind those."""
    reach = {}
    for line in ROOMS.read_text().splitlines() if ROOMS.exists() else []:
        room, colon, below = line.split("#")[0].partition(":")
        if colon:
            reach[room] = {room}.union(*(reach[each] for each in below.split()))
    return reach


def room_of(path, rooms):
    folders = [str(each) for each in pathlib.PurePath(path).parents]
    return next((folder for folder in folders if folder in rooms), None)


def sources(folder):
    return [path for path in sorted(pathlib.Path(folder).rglob("*")) if path.suffix in (".c", ".h")]


def is_up(path, other, rooms):
    here, there = room_of(path, rooms), room_of(other, rooms)
    return bool(here and there and there not in rooms[here])


def includes_up(folder, rooms):
    for path in sources(folder):
        for other in re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE):
            if is_up(path, other, rooms):
                yield f"{path} includes {other}"


def measure(folder, rooms):
    graph = graph_of(folder)
    found = circles(graph)
    lengths = {path: len(path.read_text().splitlines()) for path in sources(folder)}
    code = {path: length for path, length in lengths.items() if path.suffix == ".c"}
    calls = [(a, b, names) for a, below in graph.items() for b, names in below.items()]
    up = [f"{a} calls {b}: {', '.join(sorted(n))}" for a, b, n in calls if is_up(a, b, rooms)]
    up += includes_up(folder, rooms)
    longest = max(code, key=code.get)
    print(
        f"{folder + '/':8} {len(graph):3} objects, {sum(map(len, found)):2} in circles; "
        f"{len(up)} arrows up; lines of a .c file: median {statistics.median(code.values()):.0f}, "
        f"longest {code[longest]} ({longest})"
    )
    for circle in found:
        print(f"  circle of {len(circle)}: {' '.join(circle)}")
    for arrow in up:
        print(f"  up: {arrow}")


def main():
    rooms = read_rooms()
    for folder in sys.argv[1:] or FOLDERS:
        measure(folder, rooms)


main()
