"""One loader of loader_train.py, in a process of its own: how fast it gives batches of tensors.

Usage: loader_trainer.py WHO FOLDER SECONDS, or loader_trainer.py --prepare WHAT FOLDER ROWS

Prints seconds to the first batch, rows, seconds behind the first batch, and bytes of memory (PSS,
of this process and those below it) as JSON.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import sys
import time
import types
from pathlib import Path

import numpy
import torch

BATCH, WIDTH = 1024, 128
NAMES = "id", "score", "vector"
EPOCHS = 3
SEED = 1
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))


# The data: made once, opened by each loader in its own way


def columns_of(rows):
    generator = numpy.random.default_rng(1)
    vectors = generator.random((rows, WIDTH), numpy.float32)
    return numpy.arange(rows), generator.random(rows, numpy.float32), vectors


def arrow_of(columns):
    import pyarrow

    ids, scores, vectors = columns
    values = pyarrow.array(vectors.reshape(-1))
    lists = pyarrow.FixedSizeListArray.from_arrays(values, WIDTH)
    return pyarrow.table(dict(zip(NAMES, (pyarrow.array(ids), pyarrow.array(scores), lists))))


def prepare_arrays(folder, rows):
    for name, column in zip(NAMES, columns_of(rows)):
        numpy.save(folder / f"{name}.npy", column)


def prepare_file(folder, rows):
    import pyarrow

    table = arrow_of(columns_of(rows))
    with pyarrow.ipc.new_file(str(folder / "table.arrow"), table.schema) as writer:
        writer.write_table(table)


def prepare_lancedb(folder, rows):
    import lancedb

    table = arrow_of(columns_of(rows))
    lancedb.connect(folder / "lancedb").create_table("t", table.to_reader(100_000))


def prepare_datasets(folder, rows):
    import datasets

    datasets.Dataset(arrow_of(columns_of(rows))).save_to_disk(folder / "datasets")


def streaming():
    """The package without its images: their torchvision is made for another build of torch."""
    sys.modules["streaming.vision"] = types.ModuleType("streaming.vision")
    import streaming

    return streaming


def prepare_streaming(folder, rows):

    kinds = dict(zip(NAMES, ("int64", "float32", f"ndarray:float32:{WIDTH}")))
    with streaming().MDSWriter(out=str(folder / "streaming"), columns=kinds) as writer:
        for row in zip(*columns_of(rows)):
            writer.write(dict(zip(NAMES, row)))


def read_arrays(folder, **how):
    return [numpy.load(folder / f"{name}.npy", **how) for name in NAMES]


def as_tensors(batch):
    """Of a pyarrow table or RecordBatch: views, where it is one chunk."""
    found = {}
    for name in NAMES:
        column = batch.column(name)
        column = column.combine_chunks() if hasattr(column, "combine_chunks") else column
        values = column.flatten() if name == "vector" else column
        values = torch.from_dlpack(values)
        found[name] = values.reshape(-1, WIDTH) if name == "vector" else values
    return found


def same(batch):
    return batch


# Loaders: from what was opened, a function that begins an epoch


class Arrays(torch.utils.data.Dataset):
    def __init__(self, folder):
        self.columns = read_arrays(folder)

    def __len__(self):
        return len(self.columns[0])

    def __getitems__(self, rows):
        return {
            name: torch.from_numpy(column.take(rows, axis=0))
            for name, column in zip(NAMES, self.columns)
        }


class Rows:
    """One at a time; mapped, so that workers that are not forked have no copies."""

    def __init__(self, folder):
        self.folder = folder
        self.columns = read_arrays(folder, mmap_mode="r")

    def __reduce__(self):
        return Rows, (self.folder,)

    def __len__(self):
        return len(self.columns[0])

    def __getitem__(self, row):
        return {name: column[row] for name, column in zip(NAMES, self.columns)}


def in_torch(dataset, workers, start="fork", **options):
    if workers:
        options.update(num_workers=workers, multiprocessing_context=start)
    return torch.utils.data.DataLoader(dataset, **options)


def shuffled(dataset, workers, start="fork"):
    return in_torch(dataset, workers, start, batch_size=BATCH, shuffle=True, collate_fn=same)


def forkloader(folder, workers):
    from forkpolicy.loader import Loader

    table = arrow_of(read_arrays(folder))
    return lambda: Loader(table, BATCH, shuffle=True, seed=SEED, workers=workers)


def forkloader_file(folder, workers):
    from forkpolicy.loader import Loader

    path = folder / "table.arrow"
    return lambda: Loader(path, BATCH, shuffle=True, seed=SEED, workers=workers)


def numpy_alone(folder, workers):
    dataset = Arrays(folder)

    def epoch():
        rows = numpy.random.default_rng(SEED).permutation(len(dataset))
        return (dataset.__getitems__(rows[at : at + BATCH]) for at in range(0, len(rows), BATCH))

    return epoch


def numpy_in_torch(folder, workers):
    dataset = Arrays(folder)
    return lambda: shuffled(dataset, workers)


def datasets_as(format, collate):
    def opened(folder, workers):
        import datasets

        dataset = datasets.load_from_disk(folder / "datasets").with_format(format)

        def epoch():
            chosen = torch.utils.data.RandomSampler(dataset)
            batches = torch.utils.data.BatchSampler(chosen, BATCH, drop_last=False)
            options = {"batch_size": None, "sampler": batches, "collate_fn": collate}
            return in_torch(dataset, workers, **options)

        return epoch

    return opened


def lancedb_by(start):
    def opened(folder, workers):
        import lancedb
        from lancedb.permutation import Permutation

        table = lancedb.connect(folder / "lancedb").open_table("t")

        def epoch():
            rows = Permutation.identity(table).with_transform(as_tensors)
            return shuffled(rows, workers, start)

        return epoch

    return opened


def grain_of(folder, workers):
    import grain

    dataset = Rows(folder)

    def epoch():
        rows = grain.MapDataset.source(dataset).shuffle(seed=SEED)
        batches = rows.batch(BATCH).to_iter_dataset()
        if workers:
            batches = batches.mp_prefetch(grain.multiprocessing.MultiprocessingOptions(workers))
        return (
            {name: torch.from_numpy(column) for name, column in batch.items()} for batch in batches
        )

    return epoch


def streaming_of(folder, workers):
    package, path = streaming(), str(folder / "streaming")
    package.base.util.clean_stale_shared_memory()
    options = {"shuffle": True, "shuffle_seed": SEED, "batch_size": BATCH}

    def epoch():
        dataset = package.StreamingDataset(local=path, **options)
        return in_torch(dataset, workers, batch_size=BATCH)

    return epoch


LOADERS = {
    "forkloader": forkloader,
    "forkloader, mapped file": forkloader_file,
    "numpy __getitems__": numpy_alone,
    "torch DataLoader, numpy": numpy_in_torch,
    "HF datasets, torch": datasets_as("torch", same),
    "HF datasets, arrow": datasets_as("arrow", as_tensors),
    "LanceDB": lancedb_by("spawn"),
    "LanceDB, fork": lancedb_by("fork"),
    "Grain": grain_of,
    "MosaicML Streaming": streaming_of,
}


# What is measured


def tree(process):
    """Ids of a process and those below it."""
    found, below = [process], {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        below.setdefault(parent, []).append(int(path.parent.name))
    for one in found:
        found += below.get(one, ())
    return found


def memory():
    """PSS, in bytes."""
    total = 0
    for process in tree(os.getpid()):
        try:
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in text.splitlines() if line[:4] == "Pss:")
    return total << 10


def check(batch, row_count):
    ids, scores, vectors = (batch[name] for name in NAMES)
    assert ids.shape == scores.shape == (row_count,), (ids.shape, scores.shape)
    assert vectors.shape == (row_count, WIDTH) and vectors.dtype == torch.float32, vectors.shape


def measure(epoch, limit):
    """Whole epochs, three at most; loaders that take longer are stopped at the limit."""
    first = rows = taken = 0
    for _ in range(EPOCHS):
        begun = time.perf_counter()
        batches = iter(epoch())
        batch = next(batches)
        behind = time.perf_counter()
        first = first or behind - begun
        check(batch, BATCH)
        for batch in batches:
            rows += len(batch["id"])
            if taken + time.perf_counter() - behind > limit:
                break
        taken += time.perf_counter() - behind
        if taken > limit:
            return {"first": first, "rows": rows, "seconds": taken, "memory": memory()}
    batches = iter(epoch())
    for _ in range(100):
        batch = next(batches)
    return {"first": first, "rows": rows, "seconds": taken, "memory": memory()}


def main():
    if sys.argv[1] == "--prepare":
        what, folder, rows = sys.argv[2:]
        globals()[f"prepare_{what}"](Path(folder), int(rows))
        return
    who, workers, folder, limit = sys.argv[1:]
    found = measure(LOADERS[who](Path(folder), int(workers)), float(limit))
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
