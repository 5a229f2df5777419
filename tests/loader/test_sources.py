"""Sources that are not in memory, and files of all kinds. SPDX-License-Identifier: Apache-2.0"""

import os
import pickle
import subprocess
import sys
import threading

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.dataset
import pyarrow.parquet
import pytest
import torch
from loaders import environment, flat

from forkpolicy.loader import Loader, Masked, Permutation, Table, cached, permutation_builder

pytestmark = pytest.mark.timeout(120)
ROWS = 2000


def rows(first=0, last=ROWS):
    ids = numpy.arange(first, last)
    return pyarrow.table(
        {
            "id": ids,
            "x": ids / 2,
            "s": pyarrow.array([f"t{row % 5}" if row % 7 else None for row in ids.tolist()]),
            "vec": pyarrow.FixedSizeListArray.from_arrays(numpy.repeat(ids, 3).astype("f4"), 3),
            "st": [{"a": row, "b": str(row)} for row in ids.tolist()],
        }
    )


WHOLE = rows()


class Own:
    """A source of a user's."""

    schema = WHOLE.schema

    def __init__(self):
        self.takes = 0

    def count_rows(self):
        return ROWS

    def take(self, numbers, columns):
        self.takes += 1
        taken = WHOLE.select(columns).take(pyarrow.array(numbers))
        return taken.combine_chunks().to_batches()[0] if len(numbers) else taken.to_batches()

    def fingerprint(self):
        return "rows v1"


class Items(torch.utils.data.Dataset):
    def __len__(self):
        return ROWS

    def __getitems__(self, numbers):
        return [{"id": row, "x": row / 2, "vec": torch.full((3,), float(row))} for row in numbers]


def parquet_files(folder, files=4):
    size = ROWS // files
    for number in range(files):
        part = rows(number * size, (number + 1) * size)
        pyarrow.parquet.write_table(part, folder / f"{number}.parquet", row_group_size=100)
    return sorted(str(path) for path in folder.glob("*.parquet"))


def arrow_files(folder, files=4):
    size = ROWS // files
    for number in range(files):
        part = rows(number * size, (number + 1) * size)
        with pyarrow.ipc.new_file(str(folder / f"{number}.arrow"), part.schema) as writer:
            writer.write_table(part, max_chunksize=77)
    return sorted(str(path) for path in folder.glob("*.arrow"))


SOURCES = {
    "Parquet files": parquet_files,
    "a Parquet directory": lambda folder: parquet_files(folder) and folder,
    "a Parquet glob": lambda folder: parquet_files(folder) and str(folder / "*.parquet"),
    "a pyarrow Dataset": lambda folder: pyarrow.dataset.dataset(parquet_files(folder)),
    "a URL": lambda folder: parquet_files(folder, 1) and f"local://{folder}/0.parquet",
    "Arrow files": arrow_files,
    "an Arrow directory": lambda folder: arrow_files(folder) and folder,
    "copied Parquet": lambda folder: cached(parquet_files(folder), folder / "copies", progress=False),
    "a source": lambda folder: Own(),
    "a torch Dataset": lambda folder: Items(),
    "numpy arrays": lambda folder: {
        "id": numpy.arange(ROWS), "x": numpy.arange(ROWS) / 2,
        "vec": numpy.repeat(numpy.arange(ROWS), 3).astype("f4").reshape(-1, 3),
    },
    "a polars LazyFrame": lambda folder: pytest.importorskip("polars").from_arrow(WHOLE).lazy(),
    "a pandas DataFrame": lambda folder: pytest.importorskip("pandas").DataFrame(
        {"id": numpy.arange(ROWS), "x": numpy.arange(ROWS) / 2}
    ),
    "a duckdb relation": lambda folder: pytest.importorskip("duckdb").from_arrow(WHOLE),
    "a Hugging Face Dataset": lambda folder: _datasets().Dataset(
        _datasets().table.InMemoryTable(WHOLE)
    ),
    "a LanceDB table": lambda folder: _lancedb(folder).open_table("t"),
    "a LanceDB path": lambda folder: _lancedb(folder) and str(folder / "t.lance"),
}  # fmt: skip


def _datasets():
    return pytest.importorskip("datasets")


def _lancedb(folder):
    lancedb = pytest.importorskip("lancedb", minversion="0.40")
    connection = lancedb.connect(str(folder))
    connection.create_table("t", WHOLE)
    return connection


@pytest.fixture(params=SOURCES)
def source(request, tmp_path):
    return SOURCES[request.param](tmp_path)


def values(batch, name="id"):
    found = batch[name]
    return (found.values if isinstance(found, Masked) else found).tolist()


def test_all_rows_in_any_order(source):
    table = Table(source)
    assert len(table) == ROWS
    in_order = [row for batch in Loader(table, 300) for row in values(batch)]
    assert in_order == list(range(ROWS))
    loader = Loader(table, 100, shuffle=True, seed=3)
    epochs = [[row for batch in loader for row in values(batch)] for _ in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == in_order
    assert in_order != epochs[0] != epochs[1]
    again = Loader(table, 100, shuffle=True, seed=3)
    assert [row for batch in again for row in values(batch)] == epochs[0]


def test_rows_by_number(source):
    permutation = Permutation.identity(source)
    taken = permutation.take_offsets([5, 1999, 0, 5])
    assert [row["id"] for row in taken] == [5, 1999, 0, 5]
    names = [name for name in permutation.column_names if name != "vec"]
    expected = WHOLE.select(names).take([5, 1999, 0, 5]).to_pylist()
    assert [{name: row[name] for name in names} for row in taken] == expected
    assert permutation.select_columns(["x", "_rowid"])[7] == [{"x": 3.5, "_rowid": 7}]


def test_filters_and_values(source):
    table = Table(source)
    assert table.filter("id % 500 = 3 AND x > 100").tolist() == [503, 1003, 1503]
    assert table.filter(pyarrow.compute.field("id") < 3).tolist() == [0, 1, 2]
    keep = numpy.arange(ROWS) % 700 == 1
    assert table.filter(keep).tolist() == [1, 701, 1401]
    made = Permutation.identity(table).select({"y": "x * 2 + 1", "id": "id"})
    assert made.take_offsets([4, 2]) == [{"y": 5.0, "id": 4}, {"y": 3.0, "id": 2}]
    assert table.filter("CAST(CAST(id AS TEXT) AS BIGINT) = 12").tolist() == [12]
    with pytest.raises(ValueError, match="nothing"):
        table.filter("nothing = 1")


def test_splits(source):
    splits = permutation_builder(source).split_hash(["id"], [3, 1]).execute()
    expected = permutation_builder(WHOLE.select(["id"])).split_hash(["id"], [3, 1]).execute()
    assert splits.to_arrow().equals(expected.to_arrow())


def test_workers_and_resume(source):
    table = Table(source)
    start = table.start or "fork"
    loader = Loader(table, 250, shuffle=True, workers=1, start=start)
    iteration = iter(loader)
    found = [values(next(iteration)) for _ in range(3)]
    token = str(loader.token())
    other = Loader(table, 125, shuffle=True)
    other.resume(token)
    rest = [values(batch) for batch in other]
    assert sorted(flat(found) + flat(rest)) == list(range(ROWS))
    assert flat(rest) == flat([values(batch) for batch in iteration])


def test_pickled(source):
    table = Table(source)
    copy = pickle.loads(pickle.dumps(table))
    assert len(copy) == ROWS
    assert Permutation.identity(copy)[9][0]["id"] == 9


# Files that are something else


@pytest.mark.parametrize(
    "content, said",
    [
        (b"PK\x03\x04rest", "it is zip"), (b"id,x\n1,2\n", "it is text"), (b"", "it is empty"),
        (b"Obj\x01", "it is Avro"), (b"\x7fELF\x02\x01\x01\0\0", "it is of another kind"),
        (b"PAR1 and nothing more", "damaged Parquet file"),
        (b"ARROW1\0\0 and nothing more", "is no Arrow IPC file"),
    ],
)  # fmt: skip
def test_a_file_says_what_it_is(content, said, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=said):
        Table(path)


def test_wrong_paths(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file at"):
        Table(tmp_path / "*.parquet")
    with pytest.raises(FileNotFoundError):
        Table(tmp_path)
    parquet_files(tmp_path)
    arrow_files(tmp_path)
    with pytest.raises(ValueError, match="files of two kinds: .*0.arrow is arrow, .*0.parquet is"):
        Table(tmp_path)
    other = tmp_path / "other.arrow"
    with pyarrow.ipc.new_file(str(other), pyarrow.schema({"id": pyarrow.int8()})):
        pass
    with pytest.raises(ValueError, match="another schema .*`id` is int8, not int64"):
        Table([tmp_path / "0.arrow", other])
    with pytest.raises(ValueError, match="is no Parquet file: it is arrow"):
        cached(other)


def test_wrong_objects():
    with pytest.raises(TypeError, match="int is no table"):
        Table(5)
    with pytest.raises(TypeError, match="__getitems__ gives no dicts"):
        class Pairs(Items):
            def __getitems__(self, numbers):
                return [(row, row) for row in numbers]

        Table(Pairs())


def test_a_source_that_gives_other_rows():
    class Short(Own):
        def take(self, numbers, columns):
            return super().take(numbers[:-1], columns)

    with pytest.raises(ValueError, match="Short.take gave 511 rows for 512"):
        next(iter(Loader(Short(), 512)))


def test_what_needs_rows_in_memory_says_so():
    with pytest.raises(TypeError, match="the rows of Own are not in memory"):
        Table(Own()).to_arrow()


# What is read


def test_opening_arrow_files_reads_no_data(tmp_path):
    """By the pages of the file that are in memory: the kernel reads nothing ahead."""
    count = 40
    batch = pyarrow.record_batch({"x": numpy.zeros(1 << 17)})
    path = tmp_path / "large.arrow"
    with pyarrow.ipc.new_file(str(path), batch.schema) as writer:
        for _ in range(count):
            writer.write_batch(batch)
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    program = (
        "import sys\nfrom forkpolicy.loader import Table\n"
        "before = int(open('/proc/self/io').read().split('read_bytes: ')[1].split()[0])\n"
        "table = Table(sys.argv[1])\n"
        "after = int(open('/proc/self/io').read().split('read_bytes: ')[1].split()[0])\n"
        "print(len(table), after - before)\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    said = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60)
    number, read = map(int, said.stdout.split())
    assert number == count << 17 and read < 8 << 20, said


def test_parquet_reads_the_columns_and_groups_that_are_needed(tmp_path, monkeypatch):
    from forkpolicy.loader.sources.parquet import ParquetSource

    table, read = Table(parquet_files(tmp_path)), []
    original = ParquetSource._read

    def noted(self, group, columns):
        read.append((group, tuple(columns)))
        return original(self, group, columns)

    monkeypatch.setattr(ParquetSource, "_read", noted)
    Permutation.identity(table).select_columns(["x"]).take_offsets([5, 150, 7])
    assert read == [(0, ("x",)), (1, ("x",))]
    read.clear()
    pytest.importorskip("sqlglot")
    assert table.filter("id BETWEEN 350 AND 360").tolist() == list(range(350, 361))
    assert read == [(3, ("id",))]


def test_parquet_keeps_few_row_groups(tmp_path, monkeypatch):
    from forkpolicy.loader.sources import parquet

    monkeypatch.setattr(parquet, "KEPT_BYTES", 20_000)
    table = Table(parquet_files(tmp_path))
    assert sorted(flat(values(batch) for batch in Loader(table, 64, shuffle=True))) == list(
        range(ROWS)
    )
    assert table._source._bytes < 40_000 and len(table._source._kept) < 10


def test_a_shuffle_of_parquet_is_near(tmp_path):
    table = Table(parquet_files(tmp_path))
    assert table.locality == {"shard": 100, "window": 1600}
    loader = Loader(table, 100, shuffle=True, seed=5)
    expected = Permutation.identity(WHOLE).shuffle(5, shard=100, window=1600)
    ids = flat(batch["id"].to_pylist() for batch in expected.with_format("arrow").iter(100))
    assert flat(values(batch) for batch in loader) == ids
    full = Loader(table, 100, shuffle=True, seed=5, window=ROWS)
    assert flat(values(batch) for batch in full) == flat(
        values(batch) for batch in Loader(WHOLE, 100, shuffle=True, seed=5, window=ROWS)
    )


def test_nulls_of_parquet_by_statistics(tmp_path):
    batch = next(iter(Loader(parquet_files(tmp_path), 10)))
    assert isinstance(batch["s"], Masked)
    assert isinstance(batch["x"], torch.Tensor) and isinstance(batch["vec"], torch.Tensor)
    path = tmp_path / "bare.parquet"
    pyarrow.parquet.write_table(WHOLE, path, write_statistics=False)
    assert isinstance(next(iter(Loader(path, 10)))["x"], Masked)


def test_other_content_of_files(tmp_path):
    names = parquet_files(tmp_path)
    token = Loader(names, 10).token()
    pyarrow.parquet.write_table(rows(1, 501), names[0], row_group_size=100)
    with pytest.raises(ValueError, match="of another source"):
        Loader(names, 10).resume(token)


# Copies


def test_copies_are_made_once(tmp_path):
    names, folder = parquet_files(tmp_path), tmp_path / "copies"
    assert cached(names, folder, progress=False).to_arrow().equals(WHOLE)
    copies = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert len(copies) == 4
    cached(names, folder)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == copies
    pyarrow.parquet.write_table(rows(500, 700), names[1])
    assert len(cached(names, folder, progress=False)) == 1700
    assert len(list(folder.iterdir())) == 5


def test_an_interrupted_copy_goes_on(tmp_path, monkeypatch):
    from forkpolicy.loader.sources import cache

    names, folder, original = parquet_files(tmp_path), tmp_path / "copies", cache._copy_one

    def interrupted(source, copy, bar):
        if len(list(folder.iterdir())) == 2:
            raise KeyboardInterrupt
        original(source, copy, bar)

    with monkeypatch.context() as patch:
        patch.setattr(cache, "_copy_one", interrupted)
        with pytest.raises(KeyboardInterrupt):
            cached(names, folder, progress=False)
    done = sorted(folder.iterdir())
    assert len(done) == 2 and all(path.suffix == ".arrow" for path in done)
    times = [path.stat().st_mtime_ns for path in done]
    assert len(cached(names, folder, progress=False)) == ROWS
    assert [path.stat().st_mtime_ns for path in done] == times


# Forks and threads


def test_a_child_goes_on_with_a_source():
    iteration = iter(Loader(Own(), 100, threads=2))
    first = values(next(iteration))
    pid = os.fork()
    if pid == 0:
        found = flat(values(batch) for batch in iteration)
        os._exit(0 if found == list(range(100, ROWS)) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert first + flat(values(batch) for batch in iteration) == list(range(ROWS))


def test_a_child_reads_parquet_that_its_parent_reads(tmp_path):
    permutation = Permutation.identity(parquet_files(tmp_path)).shuffle(1)
    stop = threading.Event()

    def read():
        while not stop.is_set():
            for _ in permutation.iter(100):
                pass

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for _ in range(5):
            pid = os.fork()
            if pid == 0:
                ids = sorted(row["id"] for batch in permutation.iter(500) for row in batch)
                os._exit(0 if ids == list(range(ROWS)) else 1)
            assert os.waitpid(pid, 0)[1] == 0
    finally:
        stop.set()
        thread.join()


def test_sources_with_threads_have_their_workers_spawned():
    class Threaded(Own):
        start = "spawn"

    with pytest.raises(ValueError, match="start must be 'spawn' for this source, not 'fork'"):
        Loader(Threaded(), 10, workers=1, start="fork")
    assert Loader(Threaded(), 10, workers=1)._making._of_workers["start"] == "spawn"


def test_a_selection_of_hugging_face():
    chosen = _datasets().Dataset(_datasets().table.InMemoryTable(WHOLE)).select([7, 5, 7, 1999])
    assert [row["id"] for row in Permutation.identity(chosen).take_offsets(range(4))] == [
        7, 5, 7, 1999
    ]  # fmt: skip
    with pytest.raises(TypeError, match="take one of its splits"):
        Table(_datasets().DatasetDict({"train": chosen}))


def test_a_large_copy_says_how_large(monkeypatch):
    polars = pytest.importorskip("polars")
    monkeypatch.setattr("forkpolicy.loader.sources.objects.LARGE", 1000)
    with pytest.warns(UserWarning, match="a polars LazyFrame is copied into memory: about 0.0 GiB"):
        Table(polars.from_arrow(WHOLE).lazy())


def test_a_permutation_table_in_a_parquet_file(tmp_path):
    made = permutation_builder(WHOLE).split_random(ratios=[0.7, 0.3], seed=1).execute()
    pyarrow.parquet.write_table(made.to_arrow(), tmp_path / "splits.parquet")
    read = Permutation.from_tables(WHOLE, tmp_path / "splits.parquet", 1)
    ours = Permutation.from_tables(WHOLE, made, 1)
    assert [row for batch in read.iter(99) for row in batch] == [
        row for batch in ours.iter(99) for row in batch
    ]
