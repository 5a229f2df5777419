"""What is read of sources that are files, and how much. SPDX-License-Identifier: Apache-2.0"""

import os
import re
import subprocess
import sys

import numpy
import pyarrow
import pyarrow.parquet
import pytest
import torch
from loaders import environment, flat
from made_sources import ROWS, WHOLE, Own, arrow_files, parquet_files, rows, values

from forkpolicy.loader import Loader, Masked, Permutation, Table, cached
from forkpolicy.loader.sources import arrow_files as mapped

pytestmark = pytest.mark.timeout(120)


# Arrow files


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


def advised(path):
    """Does the kernel read this mapped file a page at a time?"""
    with open("/proc/self/smaps") as file:
        maps = re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", file.read())
    return [" rr " in one for one in maps if one.split("\n")[0].endswith(path)]


@pytest.mark.parametrize("fits", [True, False])
@pytest.mark.parametrize("derived", [True, False])
def test_an_epoch_reads_ahead_where_files_fit_into_memory(fits, derived, tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "_memory", lambda: (1 << 30) if fits else 1000)
    names = arrow_files(tmp_path)
    table = Table(names)
    source = Permutation.identity(table).select({"id": "id", "y": "x * 2"}) if derived else table
    assert [advised(name) for name in names] == [[True]] * len(names)
    iteration = iter(Loader(source, 100, shuffle=True))
    next(iteration)
    next(iteration)
    assert [advised(name) for name in names] == [[not fits]] * len(names)


def test_memory_is_that_of_the_machine_or_of_the_container(tmp_path, monkeypatch):
    machine, container = tmp_path / "meminfo", tmp_path / "max"
    monkeypatch.setattr(mapped, "MEMORY", machine)
    monkeypatch.setattr(mapped, "LIMIT", container)
    assert mapped._memory() == 0
    machine.write_text("MemTotal:  900 kB\nMemAvailable:     200 kB\n")
    assert mapped._memory() == 200 << 10
    container.write_text("max\n")
    assert mapped._memory() == 200 << 10
    container.write_text("4096\n")
    assert mapped._memory() == 4096


# Sources of one's own


class Chunked(Own):
    rows_at_once = 700

    def __init__(self):
        super().__init__()
        self.asked = []

    def take(self, numbers, columns):
        self.asked.append(len(numbers))
        return super().take(numbers, columns)


def test_a_source_is_asked_for_many_rows_at_once():
    source = Chunked()
    assert flat(values(batch) for batch in Loader(source, 100)) == list(range(ROWS))
    assert source.asked == [700, 700, 600]


def test_a_null_where_there_should_be_none():
    class Wrong(Own):
        schema = pyarrow.schema(
            {"a": pyarrow.int64(), "v": pyarrow.list_(pyarrow.float32(), 2), "s": pyarrow.string()}
        )

        def __init__(self, **columns):
            whole = {"a": range(4), "v": [[1, 2]] * 4, "s": list("abcd"), **columns}
            self.table = pyarrow.table(whole, self.schema)

        def count_rows(self):
            return 4

        def take(self, numbers, columns):
            return self.table.select(columns).take(pyarrow.array(numbers)).to_batches()[0]

        def has_nulls(self, name):
            return False

    for name, column in {"a": [0, None, 2, 3], "v": [[1, None]] * 4, "s": ["a", None, "c", "d"]}.items():
        loader = Loader(Wrong(**{name: column}), 4)
        with pytest.raises(ValueError, match=rf"`{name}` has a null, and its source was said to have"):
            next(iter(loader))
        (batch,) = Loader(Wrong(**{name: column}), 4, format="arrow")
        assert batch[name].to_pylist() == column
    assert isinstance(next(iter(Loader(Wrong(), 4)))["v"], torch.Tensor)


# Parquet


def test_parquet_reads_the_columns_and_groups_that_are_needed(tmp_path, monkeypatch):
    from forkpolicy.loader.sources.parquet import ParquetSource

    table, read = Table(parquet_files(tmp_path)), []
    original = ParquetSource._pieces

    def noted(self, group, columns, rows):
        read.append((group, tuple(columns)))
        return original(self, group, columns, rows)

    monkeypatch.setattr(ParquetSource, "_pieces", noted)
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


def test_rows_of_all_row_groups_are_taken_from_a_few_at_a_time(tmp_path, monkeypatch):
    from forkpolicy.loader.sources import parquet

    monkeypatch.setattr(parquet, "KEPT_BYTES", 20_000)
    source = parquet.ParquetSource(parquet_files(tmp_path))
    names = source.schema.names
    together, original = [], source._table_of

    def noted(groups, columns):
        together.append(len(groups))
        return original(groups, columns)

    monkeypatch.setattr(source, "_table_of", noted)
    rows = numpy.random.default_rng(3).permutation(ROWS)
    for _ in range(2):  # the second time some are there already
        assert source.take(rows, names)["id"].to_pylist() == rows.tolist()
        assert source.take(rows, names).equals(WHOLE.take(rows).combine_chunks().to_batches()[0])
    assert max(together) < len(source._groups) / 2 and source._bytes < 30_000
    assert source.take(rows[:0], names).num_rows == 0


def test_texts_of_a_dictionary_count_as_large_as_they_are_in_memory(tmp_path, monkeypatch):
    from forkpolicy.loader.sources import parquet

    texts = numpy.array([f"{number:0500}" for number in range(10)])
    table = pyarrow.table({"id": numpy.arange(ROWS), "s": texts[numpy.arange(ROWS) % 10]})
    pyarrow.parquet.write_table(table, tmp_path / "0.parquet", row_group_size=100)  # of 50 kB
    for name in ("KEPT_BYTES", "WINDOW_BYTES"):
        monkeypatch.setattr(parquet, name, 220_000)
    source = parquet.ParquetSource([str(tmp_path / "0.parquet")])
    assert source.encoded_bytes < 200_000 and source.window == 400
    most = []
    original = source._group

    def noted(group, columns):
        found = original(group, columns)
        most.append(source._bytes)
        return found

    monkeypatch.setattr(source, "_group", noted)
    rows = numpy.random.default_rng(3).permutation(ROWS)
    assert source.take(rows, ["id", "s"]).equals(table.take(rows).combine_chunks().to_batches()[0])
    assert 100_000 < max(most) <= 220_000


def test_row_groups_that_are_larger_than_the_first_rows(tmp_path, monkeypatch):
    from forkpolicy.loader.sources import parquet

    texts = ["short"] * 100 + [f"{number % 10:0500}" for number in range(ROWS - 100)]
    table = pyarrow.table({"id": numpy.arange(ROWS), "s": texts})
    pyarrow.parquet.write_table(table, tmp_path / "0.parquet", row_group_size=100)
    monkeypatch.setattr(parquet, "KEPT_BYTES", 220_000)
    source = parquet.ParquetSource([str(tmp_path / "0.parquet")])
    rows = numpy.arange(1900, 100, -50)
    for _ in range(2):
        assert source.take(rows, ["s"])["s"].to_pylist() == [texts[row] for row in rows]
    assert len(source._kept) <= 4 and source._bytes <= 220_000


def test_a_column_with_a_dot_in_its_name(tmp_path):
    columns = {
        "a": [{"b": row, "c": row} for row in range(ROWS)],
        "a.b": [None if row == 1500 else row for row in range(ROWS)],
        "e.x": [float(row) for row in range(ROWS)],
    }
    table = pyarrow.table(columns)
    pyarrow.parquet.write_table(table, tmp_path / "0.parquet", row_group_size=100)
    read = Table(tmp_path / "0.parquet")
    source = read._source
    assert [source.has_nulls(name) for name in columns] == [False, True, False]
    assert source._group_bytes(("e.x",)) >= 800
    assert isinstance(next(iter(Loader(read, 10, columns=["a.b"])))["a.b"], Masked)
    assert isinstance(next(iter(Loader(read, 10, columns=["e.x"])))["e.x"], torch.Tensor)
    names, rows = list(columns), numpy.arange(ROWS - 1, 0, -7)
    assert source.take(rows, names).equals(table.take(rows).combine_chunks().to_batches()[0])
    assert read.hashes(["a.b", "e.x"]).tolist() == Table(table).hashes(["a.b", "e.x"]).tolist()
    assert len(read.filter("1 = 1")) == ROWS


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
