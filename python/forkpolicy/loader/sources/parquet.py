# SPDX-License-Identifier: Apache-2.0
"""Parquet, read in place: row groups, of which those in use are kept in memory."""

import hashlib
import os
import threading
from collections import OrderedDict

import numpy
import pyarrow

KEPT_BYTES = 192 << 20  # of row groups, decoded
WINDOW_BYTES = 96 << 20
MOST_GROUPS = 16  # that a window is made of


class ParquetSource:
    """Row groups of Parquet files of one schema. Reopened in each process.

    shard and window: how rows are shuffled so that a batch is made of the row groups in memory.
    """

    def __init__(self, names, system=None):
        self._names, self._system = list(names), system
        self._open()

    def _open(self):
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._kept, self._bytes = OrderedDict(), 0
        self._joined = None, None
        self._files = {}
        metadata = [self._file(number).metadata for number in range(len(self._names))]
        self.schema = self._file(0).schema_arrow.remove_metadata()
        for number, name in enumerate(self._names):
            if not self._file(number).schema_arrow.remove_metadata().equals(self.schema):
                raise ValueError(f"{name} has other columns than {self._names[0]}")
        self._groups = [
            (number, group, one.row_group(group).num_rows)
            for number, one in enumerate(metadata)
            for group in range(one.num_row_groups)
        ]
        self._metadata = metadata
        counts = numpy.array([rows for _, _, rows in self._groups], numpy.int64)
        self._ends = numpy.cumsum(counts)
        size = sum(
            one.row_group(group).total_byte_size
            for one in metadata
            for group in range(one.num_row_groups)
        )
        self.decoded_bytes = size  # or less, where there are dictionaries
        self._row_bytes = max(1, size // max(1, self.count_rows()))

    def __reduce__(self):
        return ParquetSource, (self._names, self._system)

    def _here(self):
        if os.getpid() != self._owner:
            self._open()

    def _file(self, number):
        if number not in self._files:
            import pyarrow.parquet

            name = self._names[number]
            where = name if self._system is None else self._system.open_input_file(name)
            try:
                self._files[number] = pyarrow.parquet.ParquetFile(
                    where, memory_map=self._system is None, pre_buffer=self._system is not None
                )
            except pyarrow.ArrowInvalid as error:
                raise ValueError(f"{name} is a damaged Parquet file: {error}") from None
        return self._files[number]

    def count_rows(self):
        return int(self._ends[-1]) if len(self._ends) else 0

    def fingerprint(self):
        """Of the files' names, sizes and times."""
        said = []
        for name in self._names:
            if self._system is None:
                status = os.stat(name)
                said.append((os.path.basename(name), status.st_size, status.st_mtime_ns))
            else:
                info = self._system.get_file_info(name)
                said.append((name, info.size, info.mtime_ns))
        return hashlib.blake2b(repr(said).encode(), digest_size=8).hexdigest()

    @property
    def shard(self):
        """The rows of a row group, as most have."""
        return int(numpy.median([rows for _, _, rows in self._groups])) if self._groups else 1

    @property
    def window(self):
        groups = WINDOW_BYTES // max(1, self._row_bytes * self.shard)
        return self.shard * int(min(MOST_GROUPS, max(1, groups)))

    def has_nulls(self, name):
        """By the statistics; None: they do not say."""
        found = False
        for one in self._metadata:
            for group in range(one.num_row_groups):
                columns = one.row_group(group)
                parts = [columns.column(place) for place in range(columns.num_columns)]
                mine = [part for part in parts if part.path_in_schema.split(".")[0] == name]
                for part in mine:
                    if part.statistics is None or not part.statistics.has_null_count:
                        return None
                    found = found or part.statistics.null_count > 0
        return found

    # Rows

    def take(self, rows, columns):
        """A RecordBatch of these rows, in this order."""
        self._here()
        rows = numpy.asarray(rows).astype(numpy.int64)
        groups = numpy.unique(numpy.searchsorted(self._ends, rows, side="right")).tolist()
        with self._lock:
            table, starts = self._table_of(groups, tuple(columns))
        places = rows - self._shifts(groups, starts, rows)
        return table.take(places.astype(numpy.uint64), list(range(len(columns))), table.schema)

    def _shifts(self, groups, starts, rows):
        """How much less each row's number is in the joined row groups."""
        firsts = numpy.array([self._first(group) for group in groups])
        which = numpy.searchsorted(self._ends[groups], rows, side="right") if groups else rows
        return firsts[which] - starts[which]

    def _first(self, group):
        return int(self._ends[group - 1]) if group else 0

    def _table_of(self, groups, columns):
        """(a Table of these row groups, one behind the other; where each of them starts in it)"""
        from ..table import Table

        key, kept = self._joined
        if key != (groups, columns):
            tables = [self._group(group, columns) for group in groups]
            starts = numpy.cumsum([0] + [len(table) for table in tables[:-1]])
            kept = Table(pyarrow.concat_tables(tables)), starts
            self._joined = (groups, columns), kept
        return kept

    def _group(self, group, columns):
        key = group, columns
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = self._read(group, columns)
        self._kept[key] = made
        self._bytes += made.nbytes
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return made

    def _read(self, group, columns):
        number, place, _ = self._groups[group]
        roots = list(dict.fromkeys(columns))
        found = self._file(number).read_row_group(place, columns=roots, use_threads=False)
        return found.select(roots).replace_schema_metadata(None)

    def batches(self, columns, condition=None):
        """(number of the first row, RecordBatch), one row group after the other; without those in
        which, by their statistics, no row meets the condition, an Expression of pyarrow."""
        self._here()
        some = self._some(condition)
        for group in range(len(self._groups)):
            if some is not None and group not in some:
                continue
            first = self._first(group)
            for batch in self._read(group, columns).combine_chunks().to_batches(1 << 16):
                yield first, batch
                first += batch.num_rows

    def _some(self, condition):
        if condition is None:
            return None
        import pyarrow.dataset

        files = pyarrow.dataset.dataset(
            self._names, format="parquet", filesystem=self._system, schema=self.schema
        )
        found = set()
        for fragment in files.get_fragments():
            number = self._names.index(fragment.path)
            inside = {info.id for part in fragment.split_by_row_group(condition) for info in part.row_groups}
            found |= {
                place for place, (file, group, _) in enumerate(self._groups)
                if file == number and group in inside
            }  # fmt: skip
        return found


def of_dataset(source):
    """A pyarrow Dataset of Parquet files; TypeError for one of other files."""
    if type(source).__module__ != "pyarrow._dataset" or not hasattr(source, "files"):
        return None
    import pyarrow.dataset
    import pyarrow.fs

    if not isinstance(source.format, pyarrow.dataset.ParquetFileFormat):
        raise TypeError(f"a Dataset of {type(source.format).__name__}: only Parquet is read in place")
    local = isinstance(source.filesystem, pyarrow.fs.LocalFileSystem)
    return ParquetSource(source.files, None if local else source.filesystem)
