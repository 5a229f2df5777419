"""What the tests of Loader share: a table, its ids. SPDX-License-Identifier: Apache-2.0"""

import gc
import os
import sys
from pathlib import Path

import numpy
import pyarrow

ROOT = Path(__file__).resolve().parent.parent.parent
JOBS = Path(__file__).resolve().parent / "jobs"
PYTHON = str(ROOT / "python")
sys.path.insert(0, PYTHON)

ROWS = 103


def table(rows=ROWS, width=0):
    """id; x, its half; and where there is a width a list of so many floats."""
    ids = numpy.arange(rows)
    columns = {"id": ids, "x": ids / 2}
    if width:
        values = numpy.repeat(ids, width).astype(numpy.float32)
        columns["vec"] = pyarrow.FixedSizeListArray.from_arrays(values, width)
    return pyarrow.table(columns)


def ids_of(batches):
    """Of "tensor" batches, as a list of lists."""
    return [batch["id"].tolist() for batch in batches]


def flat(lists):
    return [value for values in lists for value in values]


def descriptors():
    gc.collect()  # what an earlier test has left
    return sorted(os.listdir("/proc/self/fd"))


def environment(**extra):
    """For a job: the package, no ranks, no shim."""
    left_out = "RANK", "WORLD_SIZE", "LD_PRELOAD"
    env = {name: value for name, value in os.environ.items() if name not in left_out}
    env = {name: value for name, value in env.items() if not name.startswith("FORKPOLICY")}
    return {**env, "PYTHONPATH": PYTHON, **extra}
