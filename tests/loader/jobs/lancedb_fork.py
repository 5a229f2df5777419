"""One job over a LanceDB table: two epochs by DataLoader's forked workers, or by ours, each in
several ways. It prints a dict for each. Arguments: memory or disk, WAYS ...
SPDX-License-Identifier: Apache-2.0"""

import json
import shutil
import signal
import sys
import tempfile
import time

import lancedb
import numpy
import pyarrow
from torch.utils.data import DataLoader

from forkpolicy.loader import Loader, Permutation, collate

ROWS, WIDTH, SIZE, EPOCHS = 10_000, 16, 256, 2
LIMIT = 4  # seconds for a batch, after which LanceDB's own reading hangs
START = 60  # seconds in which ours starts another process


def make(where):
    ids = numpy.arange(ROWS)
    vectors = numpy.repeat(ids, WIDTH).astype("f4")
    vectors = pyarrow.FixedSizeListArray.from_arrays(vectors, WIDTH)
    data = pyarrow.table({"id": ids, "vec": vectors})
    return lancedb.connect(where).create_table("t", data)


def theirs(table):
    from lancedb.permutation import Permutation as Theirs

    rows = Theirs.identity(table).with_format("arrow")
    rows.__getitems__([1, 2])  # as a training job looks at its data
    return DataLoader(
        rows, SIZE, num_workers=2, multiprocessing_context="fork", timeout=LIMIT,
        collate_fn=collate, shuffle=True,
    )  # fmt: skip


def by_permutation(table):
    rows = Permutation.identity(table).shuffle(1).with_format("arrow")
    rows.__getitems__([1, 2])
    return DataLoader(
        rows, SIZE, num_workers=2, multiprocessing_context="fork", timeout=START,
        collate_fn=collate,
    )  # fmt: skip


def by_dataset(table):
    dataset = Loader(table, SIZE, shuffle=True, format="arrow").torch_dataset()
    return DataLoader(dataset, batch_size=None, num_workers=2, multiprocessing_context="fork")


def keep(batch):
    return batch


def by_workers(table):
    """Functions of Python, so that workers do what they are for."""
    return Loader(table, SIZE, shuffle=True, format="arrow", workers=2, transform=keep)


WAYS = {
    "lancedb": theirs, "permutation": by_permutation, "dataset": by_dataset, "workers": by_workers
}  # fmt: skip


def read(batches):
    seen = numpy.zeros(ROWS, int)
    for batch in batches:
        ids = batch.column("id").to_numpy()
        assert (batch.column("vec").flatten().to_numpy() == numpy.repeat(ids, WIDTH)).all()
        seen[ids] += 1
    assert (seen == 1).all()


def epochs(table, way):
    begun = time.monotonic()
    try:
        batches = WAYS[way](table)
        for _ in range(EPOCHS):
            read(batches)
        ended = "well"
    except RuntimeError as error:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        ended = str(error).splitlines()[0]
    seconds = round(time.monotonic() - begun, 2)
    said = {"version": lancedb.__version__, "way": way, "ended": ended, "seconds": seconds}
    print(json.dumps(said), flush=True)


def main(where, *ways):
    folder = tempfile.mkdtemp() if where == "disk" else "memory://"
    table = make(folder)
    table.count_rows()
    for way in ways:
        epochs(table, way)
    if where == "disk":
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
