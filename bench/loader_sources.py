"""Every kind of source, larger than a process should keep: tensors of shuffled batches, in turn.

Usage: build/venv/loader/bin/python bench/loader_sources.py [ROUNDS [ROWS [SECONDS [FOLDER]]]]

Rows of 524 bytes, 4,000,000 of them, in 16 files with row groups of 50,000. Each run is a process of
its own (loader_source.py), begins with files that are out of the page cache, and reads for SECONDS.
What was made in FOLDER stays there.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from loader_rounds import HERE, alternate, duration, figure, head, line, save
from loader_source import MADE, PEERS, SOURCES

MIB = 1 << 20
PATIENCE = 300  # seconds behind SECONDS


def child(*arguments, patience=3600):
    """Its last line, or None."""
    command = [sys.executable, str(HERE / "loader_source.py"), *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=patience)
    return done.stdout.splitlines()[-1:] if done.returncode == 0 else None


def prepare(folder, rows):
    for what in MADE:
        if not (folder / what).exists() and child("--prepare", what, folder, rows) is None:
            sys.exit(f"{what} could not be made")


def runs(who, folder, seconds):
    def run():
        said = child(who, folder, seconds, patience=seconds + PATIENCE)
        return json.loads(said[0]) if said else None

    return run


def tell(who, found):
    """A line of the table, and what is saved."""
    good = [one for one in found if one]
    if not good:
        line([who, "fails", "", "", ""])
        return None
    first = statistics.median(one["first"] for one in good)
    rates = [one["rows"] / one["seconds"] for one in good]
    memory = max(one["memory"] for one in good)
    resumes = {True: "yes", False: "no", None: ""}[good[0]["resume"]]
    cells = [who, f"{memory / MIB:,.0f}", duration(first), f"{statistics.median(rates) / 1000:,.0f}", resumes]
    line(cells)
    return figure("sources", who, [1 / rate for rate in rates], first=first, memory=memory)


def main(rounds, rows, seconds, folder):
    prepare(folder, rows)
    found = alternate({who: runs(who, folder, seconds) for who in (*SOURCES, *PEERS)}, rounds)
    title = f"{rows:,} rows of 524 B, {rounds} rounds of {seconds:.0f} s, a load of {os.getloadavg()[0]:.0f}:"
    head(title, ["source", "MiB beside the page cache", "first batch", "1,000 rows/s", "resumes"])
    told = [tell(who, found[who]) for who in found]
    save("loader_sources", [one for one in told if one], rows=rows)


if __name__ == "__main__":
    rounds, rows, seconds, folder = (sys.argv[1:] + [None] * 4)[:4]
    with tempfile.TemporaryDirectory() as made:
        main(int(rounds or 3), int(rows or 4_000_000), float(seconds or 10), Path(folder or made))
