# SPDX-License-Identifier: Apache-2.0
"""docs/servers.md, and what was seen for it so far: a run that was broken off goes on."""

import hashlib
import json

import servers_rows as rows
import support

PAGE = support.ROOT / "docs" / "servers.md"
KEPT = support.BUILD / "servers.jsonl"
HEAD = """# Servers

What a forked process of a real server, or of a job, does that uses what its parent has made: by `make servers`, with
the versions of [tests/soak/servers.txt](../tests/soak/servers.txt) and all defaults of the servers, but `--preload` of gunicorn.
`warn`, `fail` and `reset` are `forkpolicy run --policy ...` with `hang_seconds=2,grace_seconds=2`, and `sever=1` for the two pools
of connections. "Not done": nobody waits for the thread that was lost. "Wrong or missing": of four requests at once.
`explain` is asked without the shim: "line" is the application's, "cause" what was lost, "advice" the server's.

"""


def program():
    """Changes with the library and the program, and with these tests."""
    digest = hashlib.sha256()
    files = [support.LIBRARY, support.PROGRAM, *sorted((support.ROOT / "tests" / "soak").rglob("servers*/*.py"))]
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def kept():
    """{(name, use): cells} of what this program was seen to do."""
    lines = KEPT.read_text().splitlines() if KEPT.exists() else []
    found = [json.loads(line) for line in lines]
    return {tuple(each["row"]): each["cells"] for each in found if each["program"] == program()}


def keep(row, cells):
    with open(KEPT, "a") as stream:
        stream.write(json.dumps({"row": row, "cells": cells, "program": program()}) + "\n")


def line(cells):
    return f"| {' | '.join(cells)} |\n"


def labels(name, use):
    return [rows.NAMES[name], rows.USES[use]]


def render(seen, absent):
    """`seen`: {row: cells}; `absent`: {row: why it was not run}."""
    heads = ["process", "uses", *rows.WAYS]
    body = "".join(line([*labels(*row), *seen[row]]) for row in rows.ROWS if row in seen)
    lacking = {row: why for row, why in absent.items() if row not in seen}
    notes = "".join(f"- {', '.join(labels(*row))}: {why}\n" for row, why in lacking.items())
    return HEAD + line(heads) + line("-" * 3 for _ in heads) + body + (f"\nNot run:\n\n{notes}" if notes else "")


def page_lines():
    """The cells of each line of the page."""
    lines = [each for each in PAGE.read_text().splitlines() if each.startswith("| ")]
    return [[cell.strip() for cell in each.strip("|").split("|")] for each in lines[2:]]


def read():
    """{row: cells} of the page, of the rows that there are today."""
    by_labels = {tuple(labels(*row)): row for row in rows.ROWS}
    split = [(tuple(cells[:2]), cells[2:]) for cells in page_lines()]
    return {by_labels[named]: cells for named, cells in split if named in by_labels}
