# SPDX-License-Identifier: Apache-2.0
"""hanging.py CASE: a forked child uses what only its parent's threads can serve.

One function for each case: it returns what works in the parent and hangs in the child. Stdout:

    answered SECONDS    the parent, before the fork: how long it takes where it works
    waiting TIME        the child, just before it hangs
    raised TIME TYPE MESSAGE, or returned: how that ended, if it did
    ended TIME, or hung: the child, within HANGING_LIMIT seconds or not; then it is killed. Sooner,
                        where the log holds the pattern HANGING_UNTIL
    status N, or signal N: the child's
    done                the parent, which is none the worse
"""

import asyncio
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

import libraries

LIMIT = float(os.environ.get("HANGING_LIMIT", 8))
UNTIL = os.environ.get("HANGING_UNTIL")
REST = 0.5  # seconds, in which a child that was told of goes on waiting


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())  # whole: two workers may speak at once


def say_raised(error):
    first = str(error).partition("\n")[0]
    say("raised", time.monotonic(), type(error).__name__, first)
    traceback.print_exception(error)


# Python's own threads and locks


def executor():
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(2)
    return lambda: pool.submit(str, 42).result()


def asyncio_thread():
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="the-loop", daemon=True).start()
    return lambda: asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()


def held(lock):
    """The lock is another thread's from its first use on."""
    used = threading.Event()

    def hold():
        used.wait()
        with lock:
            time.sleep(3600)

    threading.Thread(target=hold, name="holder", daemon=True).start()

    def use():
        with lock:
            used.set()

    return use


def lock_held():
    return held(threading.Lock())


def rlock_held():
    return held(threading.RLock())


def queue_lost_producer():
    import queue

    questions, answers = queue.Queue(), queue.Queue()

    def serve():
        while True:
            answers.put(questions.get() * 2)

    threading.Thread(target=serve, name="producer", daemon=True).start()

    def ask():
        questions.put(21)
        return answers.get()

    return ask


# Rust: tokio and rayon


def lancedb():
    import lancedb

    table = lancedb.connect(libraries.folder()).create_table("t", [{"x": i} for i in range(100)])
    return lambda: table.count_rows()


def lancedb_async():
    import lancedb

    where = libraries.folder()

    async def make():
        connection = await lancedb.connect_async(where)
        await connection.create_table("t", [{"x": i} for i in range(100)])

    async def count():
        connection = await lancedb.connect_async(where)
        return await (await connection.open_table("t")).count_rows()

    asyncio.run(make())
    return lambda: asyncio.run(count())


def lancedb_loader():
    """Its own fork and end: DataLoader's."""
    import lancedb
    from lancedb.permutation import Permutation
    from torch.utils.data import DataLoader

    class Rows:
        def __init__(self, rows):
            self.rows = rows

        def __len__(self):
            return len(self.rows)

        def __getitems__(self, numbers):
            say("waiting", time.monotonic())
            return self.rows.__getitems__(numbers)

    table = lancedb.connect(libraries.folder()).create_table("t", [{"x": i} for i in range(100)])
    rows = Permutation.identity(table)
    answer_once(lambda: rows.__getitems__([1, 2]))
    loader = DataLoader(Rows(rows), num_workers=2, multiprocessing_context="fork", timeout=LIMIT)
    try:
        for _ in loader:
            pass
        say("returned")
    except RuntimeError as error:
        if "DataLoader timed out" in str(error):
            say("hung")
        else:
            say_raised(error)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # the DataLoader would raise for these
        for worker in multiprocessing.active_children():
            worker.kill()  # for each of which it waits 5 seconds


def delta_table():
    import pyarrow
    from deltalake import write_deltalake

    where, data = libraries.folder(), pyarrow.table({"x": list(range(100))})
    write_deltalake(where, data)
    return where, data


def deltalake_open():
    from deltalake import DeltaTable

    where, _ = delta_table()
    return lambda: DeltaTable(where)


def deltalake_read():
    from deltalake import DeltaTable

    table = DeltaTable(delta_table()[0])
    return lambda: table.to_pyarrow_table()


def deltalake_write():
    from deltalake import write_deltalake

    where, data = delta_table()
    return lambda: write_deltalake(where, data, mode="append")


def polars_frame():
    import polars

    return polars.DataFrame({"key": [1, 2, 3] * 100, "value": [1.0] * 300})


def polars_group_by():
    frame = polars_frame()
    return lambda: frame.group_by("key").sum()


def polars_lazy():
    import polars

    frame = polars_frame().lazy()
    return lambda: frame.filter(polars.col("key") > 1).select("value").collect()


def polars_parquet():
    import polars

    file = Path(libraries.folder(), "frame.parquet")
    polars_frame().write_parquet(file)
    return lambda: polars.scan_parquet(file).collect()


def tokenizers():
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    tokenizer = Tokenizer(WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    return lambda: tokenizer.encode_batch(["a b"] * 500)


def zarrs():
    import zarr

    zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"})
    array = zarr.create_array(libraries.folder(), shape=(64, 64), chunks=(16, 16), dtype="i4")
    array[:] = 1
    return lambda: array[:]


def obstore():
    from obstore.store import LocalStore

    store = LocalStore(libraries.folder())
    store.put("file", b"hello")
    return lambda: store.get("file").bytes()


def opendal():
    import opendal

    files = opendal.Operator("fs", root=libraries.folder())
    files.write("file", b"hello")
    return lambda: files.read("file")


def opendal_async():
    import opendal

    files = opendal.AsyncOperator("fs", root=libraries.folder())

    async def use():
        await files.write("file", b"hello")
        return await files.read("file")

    return lambda: asyncio.run(use())


# OpenMP and XLA


def torch_cpu():
    import torch

    torch.set_num_threads(2)
    tensor = torch.ones(1_000_000)
    return lambda: tensor * 2


def sklearn():
    import numpy
    from sklearn.cluster import KMeans
    from sklearn.ensemble import HistGradientBoostingRegressor

    points = numpy.random.default_rng(0).random((5000, 8))
    HistGradientBoostingRegressor(max_iter=5).fit(points, points[:, 0])
    return lambda: KMeans(4, n_init=1).fit(points)


def jax_same():
    import jax

    total = jax.jit(lambda x: (x @ x).sum())
    matrix = jax.numpy.ones((500, 500))
    return lambda: float(total(matrix))


def jax_new():
    import jax

    matrix = jax.numpy.ones((500, 500))
    return lambda: float(jax.jit(lambda x: (x @ x).sum())(matrix))


# An event loop of a library in Python


def fsspec_file():
    import fsspec

    where = libraries.folder()
    Path(where, "file").write_bytes(bytes(1_000_000))
    server = subprocess.Popen(
        [sys.executable, "-um", "http.server", "0", "--bind", "127.0.0.1", "--directory", where],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    at_end.append(server.kill)
    port = server.stdout.readline().split()[5].decode()
    # Not in blocks, which would be read ahead
    file = fsspec.open(f"http://127.0.0.1:{port}/file", block_size=0).open()
    return lambda: file.read(1000)


at_end = []  # what the parent does before it ends


def answer_once(again):
    before = time.monotonic()
    again()
    say("answered", round(time.monotonic() - before, 3))
    libraries.settle()


def use_in_child(again):
    try:
        say("waiting", time.monotonic())
        again()
        say("returned")
        os._exit(0)
    except BaseException as error:
        say_raised(error)
        os._exit(3)


def is_logged():
    log = Path(os.environ.get("FORKPOLICY_LOG", os.devnull))
    return log.exists() and re.search(UNTIL, log.read_text())


def wait_for(child):
    """The wait status of a child, which is killed where it takes too long."""
    end, until = time.monotonic() + LIMIT, UNTIL
    while time.monotonic() < end:
        if until and is_logged():
            end, until = time.monotonic() + REST, None
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            say("ended", time.monotonic())
            return status
        time.sleep(0.02)
    say("hung")
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def main(case):
    again = globals()[case]()
    if again:
        answer_once(again)
        child = os.fork()
        if child == 0:
            use_in_child(again)
        code = os.waitstatus_to_exitcode(wait_for(child))
        say(*(("signal", -code) if code < 0 else ("status", code)))
    for each in at_end:
        each()
    say("done")
    os._exit(0)  # some libraries crash in their own clean-up


if __name__ == "__main__":
    main(sys.argv[1])
