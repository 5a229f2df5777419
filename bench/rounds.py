"""Alternating runs, and tables of what they measured.

The machine may be loaded: the runs of one round stand next to each other in time, and each round
begins with another mode. SPDX-License-Identifier: Apache-2.0
"""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

BUILD = Path(__file__).resolve().parent.parent / "build"
SHIM = str(BUILD / "libforkpolicy.so")
STARTS = 20  # a start of Python is too short to be timed alone
PATIENCE = 600  # seconds

MODES = {
    "bare": {},
    "empty preload": {"LD_PRELOAD": str(BUILD / "bench/empty.so")},
    "shim": {"LD_PRELOAD": SHIM},
    "off": {"LD_PRELOAD": SHIM, "FORKPOLICY": "off"},
    "warn": {"LD_PRELOAD": SHIM, "FORKPOLICY": "warn"},
    "fail": {"LD_PRELOAD": SHIM, "FORKPOLICY": "fail"},
    "reset": {"LD_PRELOAD": SHIM, "FORKPOLICY": "reset"},
    "carry": {"LD_PRELOAD": SHIM, "FORKPOLICY": "carry:*"},
}


@dataclass(frozen=True)
class Case:
    command: tuple
    rows: tuple  # what the command prints nanoseconds of, in this order
    most: str = ""  # what was asked for
    starts: bool = False  # the time of the whole command counts instead
    differences: int = 0  # so many of the last rows are differences of times, which have no ratio

    @property
    def exists(self):
        return os.path.exists(self.command[0])


@dataclass(frozen=True)
class Table:
    title: str
    modes: tuple  # besides bare
    cases: tuple
    adds: tuple = ()  # the modes of which the added time is told, too


def run(command, mode):
    """What it printed."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if key != "LD_PRELOAD" and not key.startswith("FORKPOLICY")
    }
    done = subprocess.run(
        [str(part) for part in command],
        env={**environment, **MODES[mode]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
    )
    if done.returncode != 0:
        sys.exit(f"{done.args} under {mode} ended with {done.returncode}\n{done.stderr}")
    return done.stdout


def measure(case, mode):
    """Nanoseconds, one figure for each row."""
    if not case.starts:
        return [float(figure) for figure in run(case.command, mode).split()]
    start = time.perf_counter()
    for _ in range(STARTS):
        run(case.command, mode)
    return [(time.perf_counter() - start) / STARTS * 1e9]


def duration(nanoseconds):
    for unit, size in (("ms", 1e6), ("us", 1e3)):
        if abs(nanoseconds) >= size:
            return f"{nanoseconds / size:.2f} {unit}"
    return f"{nanoseconds:.2f} ns"


def quartiles(figures):
    low, _, high = statistics.quantiles(figures, n=4) if len(figures) > 1 else figures * 3
    return low, high


def ratio(mode, bare):
    """Of the medians (quartiles of the rounds' ratios), of the minima."""
    middle = statistics.median(mode) / statistics.median(bare)
    low, high = quartiles([one / other for one, other in zip(mode, bare)])
    return f"{middle:.3f} ({low:.3f}-{high:.3f}) {min(mode) / min(bare):.3f}"


def itself(mode, bare):
    """The median (quartiles), the minimum."""
    low, high = map(duration, quartiles(mode))
    return f"{duration(statistics.median(mode))} ({low} to {high}) {duration(min(mode))}"


def added(mode, bare):
    """By the medians, by the minima."""
    middle = statistics.median(mode) - statistics.median(bare)
    return f"{duration(middle)}, {duration(min(mode) - min(bare))}"


def line(cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def head(title, cells):
    print(f"\n{title}\n")
    line(cells)
    print("|---" * len(cells) + "|", flush=True)


def print_table(table, count):
    modes = ("bare", *table.modes)
    asks = any(case.most for case in table.cases)
    head(
        table.title,
        ["what", *modes, *(f"{mode} adds" for mode in table.adds), *(["asked"] if asks else [])],
    )
    for case in filter(lambda case: case.exists, table.cases):
        rounds = []
        for index in range(count):
            first = index % len(modes)
            order = modes[first:] + modes[:first]
            rounds.append({mode: measure(case, mode) for mode in order})
        for row, what in enumerate(case.rows):
            figures = {mode: [one[mode][row] for one in rounds] for mode in modes}
            bare = figures["bare"]
            cell = itself if row >= len(case.rows) - case.differences else ratio
            line(
                [
                    what,
                    duration(statistics.median(bare)),
                    *(cell(figures[mode], bare) for mode in table.modes),
                    *(added(figures[mode], bare) for mode in table.adds),
                    *([case.most] if asks else []),
                ]
            )


def print_latencies(title, mode, cases):
    """Each command prints one figure for each of its children."""
    head(title, ["what", "children", "median", "worst"])
    for case in filter(lambda case: case.exists, cases):
        figures = measure(case, mode)
        line(
            [
                case.rows[0],
                str(len(figures)),
                duration(statistics.median(figures)),
                duration(max(figures)),
            ]
        )
