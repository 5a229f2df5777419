"""Sources that are not in memory, and files of all kinds. SPDX-License-Identifier: Apache-2.0"""

import os
import pickle
import threading

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.dataset
import pyarrow.parquet
import pytest
from loaders import flat
from made_sources import ROWS, WHOLE, Items, Own, arrow_files, parquet_files, values

from forkpolicy.loader import Loader, Permutation, Table, cached, permutation_builder

pytestmark = pytest.mark.timeout(120)
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
    for start, found in (None, "spawn"), ("spawn", "spawn"), ("forkserver", "forkserver"):
        loader = Loader(Threaded(), 10, workers=1, start=start)
        assert loader._making._of_workers["start"] == found


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


def test_lancedb_is_asked_for_the_nulls_of_what_is_read_quickly(tmp_path):
    """Lists and binary would be read as a whole; a null in them is an error when it is met."""
    table = Table(_lancedb(tmp_path).open_table("t"))
    names = table.schema.names
    assert [name for place, name in enumerate(names) if table.field(place).nullable] == ["s"]
    made = pyarrow.table({"vec": pyarrow.array([[1.0], None], pyarrow.list_(pyarrow.float32(), 1))})
    with_null = pytest.importorskip("lancedb").connect(str(tmp_path)).create_table("n", made)
    with pytest.raises(ValueError, match="`vec` has a null"):
        next(iter(Loader(with_null, 2)))
    (batch,) = Loader(with_null, 2, format="arrow")
    assert batch["vec"].to_pylist() == [[1.0], None]
