"""Batches of 1,024 rows as torch tensors, shuffled: our Loader and others, in turn.

Usage: build/venv/peers/bin/python bench/loader_train.py [ROUNDS [ROWS [SECONDS [WHO]]]]

Of the peers only those whose name has WHO in it; what was saved of the others stays.
The peers' environments: `make build/venv/peers/.ready`; and for MosaicML Streaming
    python3 -m venv build/venv/streaming
    build/venv/streaming/bin/python -m pip install -r bench/requirements-streaming.txt

Rows of 524 bytes: an int64, a float and 128 floats; ours and those of numpy and Grain in memory,
the others' as they keep them on disk, warm. Each run is a process of its own (loader_trainer.py),
ended after PATIENCE seconds, with three epochs at most, or as much as SECONDS allow.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections import namedtuple

from loader_rounds import HERE, RESULTS, alternate, duration, figure, head, line, save

BATCH = 1024
PATIENCE = 60  # seconds behind SECONDS
MANY = 5  # a file a row: as many rows less
Contender = namedtuple("Contender", "who workers asked", defaults=(None,))  # asked: ours / theirs

OURS = {0: Contender("forkloader", 0), 2: Contender("forkloader", 2)}
CONTENDERS = (
    OURS[0],
    Contender("forkloader, mapped file", 0),
    Contender("numpy __getitems__", 0, 1.0),
    Contender("torch DataLoader, numpy", 0),
    Contender("HF datasets, torch", 0),
    Contender("HF datasets, arrow", 0),
    Contender("LanceDB", 0),
    Contender("Grain", 0),
    Contender("MosaicML Streaming", 0),
    OURS[2],
    Contender("torch DataLoader, numpy", 2, 5),
    Contender("HF datasets, torch", 2, 15),
    Contender("HF datasets, arrow", 2, 15),
    Contender("LanceDB", 2, 30),
    Contender("LanceDB, fork", 2),
    Contender("Grain", 2, 30),
    Contender("MosaicML Streaming", 2, 30),
)


def python_of(who):
    venv = "streaming" if "treaming" in who else "peers"
    return str(HERE.parent / "build/venv" / venv / "bin/python")


def trainer(who, *arguments, patience=600):
    """What it printed; None where it did not end well, and how."""
    command = [python_of(who), str(HERE / "loader_trainer.py"), *map(str, arguments)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        return None, f"hangs ({patience:.0f} s)"
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    return (said, "") if process.returncode == 0 else (None, f"fails ({process.returncode})")


def runs(contender, folder, seconds):
    """A function that runs it once: what was measured, or how it failed."""
    def run():
        who, workers, _ = contender
        patience = seconds + PATIENCE
        said, failed = trainer(who, who, workers, folder, seconds, patience=patience)
        return json.loads(said.splitlines()[-1]) if said else failed

    return run


def prepare(folder, rows):
    for what in ("arrays", "file", "lancedb", "datasets", "streaming"):
        count = rows // MANY if what == "streaming" else rows
        _, failed = trainer(what, "--prepare", what, folder, count)
        if failed:
            print(f"{what}: {failed}, left out")


def median_of(found, name):
    return statistics.median(one[name] for one in found)


def batch_seconds(found):
    return [one["seconds"] / one["rows"] * BATCH for one in found]


def tell(contender, found, ours):
    """A line of the table; what is to be saved, or None where it never ended well."""
    who, workers, asked = contender
    good = [one for one in found if isinstance(one, dict)]
    failed = ", ".join(one for one in found if not isinstance(one, dict))
    if not good:
        line([who, str(workers), failed, "", "", "", "", ""])
        return None
    times, mine = batch_seconds(good), batch_seconds(ours)
    rate, best = BATCH / statistics.median(times), BATCH / min(times)
    ratio = statistics.median(times) / statistics.median(mine)
    line(
        [
            who,
            str(workers),
            f"{rate / 1000:,.0f} ({best / 1000:,.0f})",
            f"{ratio:.2f} ({min(times) / min(mine):.2f})" if found is not ours else "",
            f">= {asked}" if asked else "",
            duration(median_of(good, "first")),
            f"{median_of(good, 'memory') / (1 << 20):.0f}",
            failed,
        ]
    )
    more = {name: median_of(good, name) for name in ("first", "memory")}
    return figure(f"{workers} workers", who, times, workers=workers, **more)


def main(rounds, rows, seconds, who):
    chosen = [one for one in CONTENDERS if one in OURS.values() or who in one.who]
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder, rows)
        found = alternate({one: runs(one, folder, seconds) for one in chosen}, rounds)
    cells = ["", "workers", "1,000 rows/s (best)", "ours are x times as fast (best)", "asked"]
    title = f"{rows:,} rows in batches of {BATCH:,}, {rounds} rounds:"
    head(title, [*cells, "first batch", "MiB", ""])
    told = [tell(one, found[one], found[OURS[one.workers]]) for one in chosen]
    told = {(one["who"], one["workers"]): one for one in told if one}
    if who:
        saved = json.loads((RESULTS / "loader_train.json").read_text())["figures"]
        told = {**{(one["who"], one["workers"]): one for one in saved}, **told}
    save("loader_train", told.values(), batch=BATCH, rows=rows)


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:4]]
    numbers += [5, 1_000_000, 6][len(numbers) :]
    main(*numbers, "".join(sys.argv[4:]))
