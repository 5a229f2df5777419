"""One source of loader_sources.py, in a process of its own: tensors of shuffled batches.

Usage: loader_source.py WHO FOLDER SECONDS, or loader_source.py --prepare WHAT FOLDER ROWS

Prints as JSON: seconds to the first batch, rows and seconds after that, the peak of memory in bytes
without the pages of files (of this process and its descendants), and whether resume() went on at
the next row.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path

import numpy
import pyarrow

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))

BATCH, WIDTH, SEED = 1024, 128, 1
FILES, GROUP = 16, 50_000  # rows of a row group: 26 MB
MADE = "parquet", "arrow", "lance", "cache", "datasets", "arrays"
SAMPLE = 0.02  # seconds between two looks at the memory


# The data: FILES parts of the same rows, of 524 bytes each


def parts(rows):
    """Tables; each is gone when the next one is made."""
    generator = numpy.random.default_rng(1)
    for at in range(0, rows, rows // FILES):
        count = min(rows // FILES, rows - at)
        vectors = pyarrow.array(generator.random(count * WIDTH, numpy.float32))
        yield pyarrow.table(
            {
                "id": numpy.arange(at, at + count),
                "score": generator.random(count, numpy.float32),
                "vector": pyarrow.FixedSizeListArray.from_arrays(vectors, WIDTH),
            }
        )


def prepare_parquet(folder, rows):
    import pyarrow.parquet

    folder.mkdir()
    for i, part in enumerate(parts(rows)):
        pyarrow.parquet.write_table(part, folder / f"{i:02}.parquet", row_group_size=GROUP)


def prepare_arrow(folder, rows):
    folder.mkdir()
    for i, part in enumerate(parts(rows)):
        with pyarrow.ipc.new_file(str(folder / f"{i:02}.arrow"), part.schema) as writer:
            writer.write_table(part, max_chunksize=GROUP)


def prepare_lance(folder, rows):
    import lancedb

    table = None
    for part in parts(rows):
        if table is None:
            table = lancedb.connect(folder).create_table("t", part)
        else:
            table.add(part)


def prepare_cache(folder, rows):
    from forkpolicy.loader import Table, cached

    Table(cached(folder.parent / "parquet", folder))


def prepare_datasets(folder, rows):
    import datasets

    files = str(folder.parent / "parquet" / "*.parquet")
    datasets.Dataset.from_parquet(files, cache_dir=str(folder / "made")).save_to_disk(str(folder / "saved"))
    shutil.rmtree(folder / "made")


def prepare_arrays(folder, rows):
    folder.mkdir()
    table = pyarrow.concat_tables(parts(rows))
    numpy.save(folder / "id.npy", table["id"].to_numpy())
    numpy.save(folder / "score.npy", table["score"].to_numpy())
    vectors = table["vector"].combine_chunks().flatten().to_numpy()
    numpy.save(folder / "vector.npy", vectors.reshape(-1, WIDTH))


# Ours: what a Loader takes


def lance_table(folder):
    import lancedb

    return lancedb.connect(folder / "lance").open_table("t")


def parquet_dataset(folder):
    import pyarrow.dataset

    return pyarrow.dataset.dataset(folder / "parquet")


def datasets_table(folder):
    import datasets

    return datasets.load_from_disk(str(folder / "datasets/saved"))


def cached_files(folder):
    from forkpolicy.loader import cached

    return cached(folder / "parquet", folder / "cache")


def lazy_frame(folder):
    import polars

    return polars.scan_parquet(folder / "parquet" / "*.parquet")


def relation(folder):
    import duckdb

    return duckdb.read_parquet(str(folder / "parquet" / "*.parquet"))


class Own:
    """A source of a user's: a mapped file of numpy's for each column."""

    names = "id", "score", "vector"

    def __init__(self, folder):
        self.folder = folder
        self.arrays = {name: numpy.load(folder / f"{name}.npy", mmap_mode="r") for name in self.names}
        self.schema = self.take([0], self.names).schema

    def __reduce__(self):
        return Own, (self.folder,)

    def count_rows(self):
        return len(self.arrays["id"])

    def take(self, rows, columns):
        found = {name: self.arrays[name][rows] for name in columns}
        if "vector" in found:
            values = pyarrow.array(found["vector"].reshape(-1))
            found["vector"] = pyarrow.FixedSizeListArray.from_arrays(values, WIDTH)
        return pyarrow.RecordBatch.from_pydict(found)

    def has_nulls(self, name):
        return False

    def fingerprint(self):
        return str([(self.folder / f"{name}.npy").stat().st_size for name in self.names])


SOURCES = {
    "Arrow, one file": lambda folder: folder / "arrow/00.arrow",
    "Arrow, a directory": lambda folder: folder / "arrow",
    "Parquet, a directory": lambda folder: folder / "parquet",
    "Parquet, a glob": lambda folder: str(folder / "parquet" / "*.parquet"),
    "Parquet, a URL of fsspec": lambda folder: f"file://{folder}/parquet",
    "Parquet, a pyarrow Dataset": parquet_dataset,
    "Parquet, cached()": cached_files,
    "LanceDB, a path": lambda folder: folder / "lance/t.lance",
    "LanceDB, a table": lance_table,
    "Hugging Face Dataset": datasets_table,
    "a source of one's own": lambda folder: Own(folder / "arrays"),
    "polars LazyFrame": lazy_frame,
    "duckdb relation": relation,
}


def loader_of(source):
    from forkpolicy.loader import Loader

    return Loader(source, BATCH, shuffle=True, seed=SEED, columns=["id", "score", "vector"])


def ours(who):
    def opened(folder):
        loader = loader_of(SOURCES[who](folder))
        return iter(loader)

    return opened


def resumes(who, folder):
    """A Loader of its own goes on behind the third batch with the fourth."""
    loader, again = (loader_of(SOURCES[who](folder)) for _ in range(2))
    batches = iter(loader)
    for _ in range(3):
        next(batches)
    token, wanted = loader.token(), next(batches)["id"]
    again.resume(token)
    return bool((next(iter(again))["id"] == wanted).all())


# Theirs


def tensors(batch):
    import torch

    vectors = batch.column("vector").flatten().to_numpy().reshape(-1, WIDTH)
    return {
        "id": torch.from_numpy(batch.column("id").to_numpy()),
        "score": torch.from_numpy(batch.column("score").to_numpy()),
        "vector": torch.from_numpy(vectors),
    }


def pyarrow_dataset(folder):
    return map(tensors, parquet_dataset(folder).to_batches(batch_size=BATCH))


def datasets_streaming(folder):
    import datasets

    files = str(folder / "parquet" / "*.parquet")
    rows = datasets.load_dataset("parquet", data_files=files, split="train", streaming=True)
    return iter(rows.shuffle(seed=SEED, buffer_size=10_000).with_format("torch").batch(BATCH))


def lancedb_own(folder):
    import torch
    from lancedb.permutation import Permutation

    rows = Permutation.identity(lance_table(folder)).with_transform(tensors)
    return iter(torch.utils.data.DataLoader(rows, BATCH, shuffle=True, collate_fn=lambda b: b))


PEERS = {
    "pyarrow.dataset, in order": pyarrow_dataset,
    "HF datasets, streaming": datasets_streaming,
    "LanceDB's own": lancedb_own,
}


# What is measured


def beside_cache():
    """Bytes of this process and those below it that are no file's."""
    total, below = 0, [os.getpid()]
    for process in below:
        try:
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
            tasks = list(Path(f"/proc/{process}/task").glob("*/children"))
            below += [int(child) for path in tasks for child in path.read_text().split()]
        except OSError:
            continue
        lines = (line.split() for line in text.splitlines()[1:])
        total += sum(int(words[1]) for words in lines if words[0] in ("Pss_Anon:", "Pss_Shmem:"))
    return total << 10


class Most(threading.Thread):
    """The most memory at once."""

    def __init__(self):
        super().__init__(daemon=True)
        self.bytes, self.ended = 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(SAMPLE):
            self.bytes = max(self.bytes, beside_cache())


def drop(folder):
    """Takes the files out of the page cache."""
    for name in MADE:
        for path in (folder / name).rglob("*"):
            if path.is_file():
                file = os.open(path, os.O_RDONLY)
                os.fsync(file)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(file)


def measure(who, folder, limit):
    import torch  # noqa: F401: its import belongs to no source

    most = Most()
    drop(folder)
    begun = time.perf_counter()
    batches = (ours(who) if who in SOURCES else PEERS[who])(folder)
    batch = next(batches)
    behind = time.perf_counter()
    assert len(batch["id"]) == BATCH, batch
    rows = 0
    for batch in batches:
        rows += len(batch["id"])
        if time.perf_counter() - behind > limit:
            break
    seconds = time.perf_counter() - behind
    most.ended.set()
    most.join()
    del batches, batch
    resume = resumes(who, folder) if who in SOURCES else None
    return {
        "first": behind - begun, "rows": rows, "seconds": seconds, "memory": most.bytes, "resume": resume,
    }  # fmt: skip


def main():
    if sys.argv[1] == "--prepare":
        what, folder, rows = sys.argv[2:]
        globals()[f"prepare_{what}"](Path(folder) / what, int(rows))
        return
    who, folder, limit = sys.argv[1:]
    print(json.dumps(measure(who, Path(folder), float(limit))), flush=True)


if __name__ == "__main__":
    main()
