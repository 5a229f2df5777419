# SPDX-License-Identifier: Apache-2.0
"""stacks.py CASE COUNT [first]: children that read a shuffled table of lancedb, as their parent does.

lancedb starts its runtime anew in a forked child, but the records of its lost threads stay in the
queues of those who wait (parking_lot). They lie in what libc frees with a stack that it uses again.

forks: COUNT children, one after the other; each has STACKS_LIMIT seconds. ends: the same, but first
two threads of each child start and end. loader: COUNT rounds of a torch DataLoader with two forked
workers; each batch has STACKS_LIMIT seconds. With "first" it ends with the first child, or round,
that does not end well. The last line of stdout is
{"ok": N, "crashed": N, "hung": N, "failed": N, "seconds": N}; a child that ends with status 70 was
ended by the shim: it hung.
"""

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
import warnings

import libraries
import lancedb
import numpy
import pyarrow
from lancedb.permutation import Permutation, permutation_builder

ROWS = 200_000
BATCH = 256
BATCHES = 3
LIMIT = float(os.environ.get("STACKS_LIMIT", 8))
ENDED_BY_THE_SHIM = 70


def shuffled_rows():
    random = numpy.random.default_rng(0)
    vectors = random.random(ROWS * 128, dtype=numpy.float32)
    columns = {
        "id": pyarrow.array(range(ROWS), pyarrow.int64()),
        "value": pyarrow.array(random.random(ROWS, dtype=numpy.float32)),
        "vector": pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors), 128),
    }
    table = lancedb.connect(libraries.folder()).create_table("t", pyarrow.table(columns))
    return Permutation.from_tables(table, permutation_builder(table).shuffle(seed=1).execute())


def read(rows, seed):
    random = numpy.random.default_rng(seed)
    for _ in range(BATCHES):
        got = rows.__getitems__(random.integers(0, ROWS, BATCH).tolist())
        assert len(got) == BATCH and len(got[0]["vector"]) == 128


def read_in_child(rows, seed):
    try:
        read(rows, seed)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def end_of(child):
    """What became of a child: the word under which it counts."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid and os.WIFSIGNALED(status):
            return "crashed"
        if pid:
            return {0: "ok", ENDED_BY_THE_SHIM: "hung"}.get(os.WEXITSTATUS(status), "failed")
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hung"


def forks(rows, count, before_reading=lambda: None):
    for seed in range(count):
        read(rows, seed)
        child = os.fork()
        if child == 0:
            before_reading()
            read_in_child(rows, seed)
        yield end_of(child)


def ends(rows, count):
    """When a thread ends libc gives back what it has too much of: the oldest of the free stacks."""

    def start_and_end():
        for _ in range(2):
            thread = threading.Thread(target=int)
            thread.start()
            thread.join()

    return forks(rows, count, start_and_end)


def as_it_is(batch):
    return batch


def loader_round(rows, seed):
    from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

    batches = BatchSampler(SequentialSampler(range(seed, seed + BATCH * BATCHES)), BATCH, True)
    loader = DataLoader(
        rows,
        batch_sampler=batches,
        num_workers=2,
        multiprocessing_context="fork",
        collate_fn=as_it_is,
        timeout=LIMIT,
    )
    try:
        assert [len(batch) for batch in loader] == [BATCH] * BATCHES
        return "ok"
    except RuntimeError as error:
        traceback.print_exc()
        workers = multiprocessing.active_children()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # the DataLoader would raise for these
        for worker in workers:
            worker.kill()  # for each of which it waits 5 seconds
        message = str(error)
        if "timed out" in message:
            return "hung"
        return "crashed" if "signal" in message or "exited unexpectedly" in message else "failed"


def loader(rows, count):
    for seed in range(count):
        read(rows, seed)
        yield loader_round(rows, seed)


def main(case, count, stops=False):
    warnings.simplefilter("ignore")  # that fork support is experimental
    rows = shuffled_rows()
    libraries.settle()
    counts = dict.fromkeys(("ok", "crashed", "hung", "failed"), 0)
    begun = time.monotonic()
    for word in {"forks": forks, "ends": ends, "loader": loader}[case](rows, count):
        counts[word] += 1
        if stops and word != "ok":
            break
    print(json.dumps({**counts, "seconds": round(time.monotonic() - begun, 1)}), flush=True)
    os._exit(0)  # lancedb hangs in its own clean-up


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:] == ["first"])
