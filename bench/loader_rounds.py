"""Alternating rounds of what is in this process: loaders beside each other; and their results.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
sys.path.insert(0, str(HERE.parent / "python"))


def timed(function):
    """Seconds by the clock, seconds of all processors, what it returned."""
    clock, processors = time.perf_counter(), time.process_time()
    found = function()
    return time.perf_counter() - clock, time.process_time() - processors, found


def alternate(contenders, rounds):
    """{name: [what it returned in each round]}; each round begins with another one."""
    names, found = list(contenders), {name: [] for name in contenders}
    for index in range(rounds):
        first = index % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(contenders[name]())
    return found


def figure(what, who, seconds, **more):
    """A measured time: the median of the rounds, and the best one."""
    return {
        "what": what,
        "who": who,
        "median": statistics.median(seconds),
        "best": min(seconds),
        "rounds": len(seconds),
        **more,
    }


def duration(seconds):
    for unit, size in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}" if seconds < 1000 * size else f"{seconds:.0f} s"
    return f"{seconds / 1e-9:.3g} ns"


def line(cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def head(title, cells):
    print(f"\n{title}\n")
    line(cells)
    print("|---" * len(cells) + "|", flush=True)


def save(name, figures, **facts):
    """bench/results/NAME.json, from which plot.py draws."""
    RESULTS.mkdir(exist_ok=True)
    facts = {
        "processors": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        **facts,
    }
    lines = ",\n".join("  " + json.dumps(figure) for figure in figures)
    text = f'{{"facts": {json.dumps(facts)},\n "figures": [\n{lines}\n]}}\n'
    (RESULTS / f"{name}.json").write_text(text)
