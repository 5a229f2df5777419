# SPDX-License-Identifier: Apache-2.0
"""Parquet, read in place: row groups, of which those in use are kept in memory."""

import hashlib
import os
import threading
from collections import OrderedDict

import numpy
import pyarrow

KEPT_BYTES = 96 << 20  # of row groups, decoded; one is kept whatever its size
WINDOW_BYTES = 96 << 20
PIECE_BYTES = 1 << 20  # of a row group, that are decoded at a time
SCANNED_ROWS = 1 << 16
SAMPLE_ROWS = 1 << 12  # that tell how large rows are when they are decoded
MOST_GROUPS = 16  # that a window is made of


class ParquetSource:
    """Row groups of Parquet files of one schema. Reopened in each process.

    shard and window: how rows are shuffled so that a batch is made of the row groups in memory.
    """

    def __init__(self, names, system=None):
        self._names, self._system = list(names), system
        self._row_bytes = None  # of the files: a forked child need not find out again
        self._open()

    def _open(self):
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._kept, self._bytes = OrderedDict(), 0
        self._joined = None, None
        self._files, self._seen_bytes = {}, {}
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
        self._roots = _roots(self.schema, metadata[0].num_columns)
        counts = numpy.array([rows for _, _, rows in self._groups], numpy.int64)
        self._ends = numpy.cumsum(counts)
        self.encoded_bytes = sum(
            one.row_group(group).total_byte_size
            for one in metadata
            for group in range(one.num_row_groups)
        )

    def __reduce__(self):
        return ParquetSource, (self._names, self._system)

    def _here(self):
        if os.getpid() != self._owner:
            self._open()

    def _file(self, number):
        if number not in self._files:
            self._files[number] = self._opened(number, pre_buffer=self._system is not None)
        return self._files[number]

    def _opened(self, number, **options):
        import pyarrow.parquet

        name = self._names[number]
        where = name if self._system is None else self._system.open_input_file(name)
        known = self._files[number].metadata if number in self._files else None
        try:
            return pyarrow.parquet.ParquetFile(
                where, metadata=known, memory_map=self._system is None, **options
            )
        except pyarrow.ArrowInvalid as error:
            raise ValueError(f"{name} is a damaged Parquet file: {error}") from None

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
        groups = WINDOW_BYTES // max(1, int(sum(self._sizes().values()) * self.shard))
        return self.shard * int(min(MOST_GROUPS, max(1, groups)))

    def has_nulls(self, name):
        """By the statistics; None: they do not say."""
        found = False
        places = [place for place, root in enumerate(self._roots) if root == name]
        for one in self._metadata:
            for group in range(one.num_row_groups):
                for place in places:
                    statistics = one.row_group(group).column(place).statistics
                    if statistics is None or not statistics.has_null_count:
                        return None
                    found = found or statistics.null_count > 0
        return found if places else None

    def _sizes(self):
        """{column: the bytes of a row, decoded}: those of the first rows, or what they take in the
        files where that is more. The files do not say how large texts are that a dictionary has."""
        if self._row_bytes is None:
            sizes = dict.fromkeys(self.schema.names, 0)
            if self._groups:
                number, place, _ = self._groups[0]
                group = self._metadata[number].row_group(place)
                each = self.encoded_bytes / max(1, self.count_rows()) / max(1, group.total_byte_size)
                for leaf, root in enumerate(self._roots):
                    sizes[root] += each * group.column(leaf).total_uncompressed_size
                for name, size in self._size_of_first_rows(number, place):
                    sizes[name] = max(sizes[name], size)
                pyarrow.default_memory_pool().release_unused()
            self._row_bytes = sizes
        return self._row_bytes

    def _size_of_first_rows(self, number, place):
        """[(column, bytes of a row)] of a row group, not all of which an object store is asked for."""
        file = self._opened(number, pre_buffer=False, buffer_size=1 << 16)
        batch = next(file.iter_batches(SAMPLE_ROWS, [place], use_threads=False), None)
        if batch is None or not batch.num_rows:
            return []
        return [(name, batch.column(name).nbytes / batch.num_rows) for name in self.schema.names]

    # Rows

    def take(self, rows, columns):
        """A RecordBatch of these rows, in this order."""
        self._here()
        rows, columns = numpy.asarray(rows).astype(numpy.int64), tuple(columns)
        if not len(rows):
            return pyarrow.RecordBatch.from_pylist([], self._schema_of(columns))
        groups = numpy.searchsorted(self._ends, rows, side="right")
        with self._lock:
            parts = self._parts(numpy.unique(groups).tolist(), columns)
            if len(parts) == 1:
                return self._take(rows, groups, parts[0], columns)
            asked = [numpy.flatnonzero(numpy.isin(groups, part)) for part in parts]
            found = [self._take(rows[at], groups[at], part, columns) for at, part in zip(asked, parts)]
        return _in_order(found, numpy.concatenate(asked))

    def _parts(self, groups, columns):
        """Lists of row groups, each of which may be in memory at a time; first those that are."""
        if len(groups) > 1 and columns not in self._seen_bytes:
            self._group(groups[0], columns)  # which tells how large they are
        size = self._most_groups(columns)
        if len(groups) <= size:
            return [groups]
        kept = [group for group in groups if (group, columns) in self._kept]
        others = [group for group in groups if (group, columns) not in self._kept]
        return [one[at : at + size] for one in (kept, others) for at in range(0, len(one), size)]

    def _most_groups(self, columns):
        return max(1, KEPT_BYTES // self._group_bytes(columns))

    def _group_bytes(self, columns):
        """About as many bytes have these columns of a row group, decoded; the most that one had."""
        about = self.shard * sum(self._sizes()[column] for column in columns)
        return max(1, int(about), self._seen_bytes.get(columns, 0))

    def _take(self, rows, groups, part, columns):
        """The same of rows that are in these row groups."""
        table, starts = self._table_of(part, columns)
        which = numpy.searchsorted(part, groups)
        firsts = numpy.array([self._first(group) for group in part], numpy.int64)
        places = rows - (firsts[which] - starts[which])
        return table.take(places.astype(numpy.uint64), list(range(len(columns))), table.schema)

    def _first(self, group):
        return int(self._ends[group - 1]) if group else 0

    def _table_of(self, groups, columns):
        """(a Table of these row groups, one behind the other; where each of them starts in it)"""
        from ..table import Table

        if self._joined[0] != (groups, columns):
            self._joined = None, None  # before others are read
            tables = [self._group(group, columns) for group in groups]
            starts = numpy.cumsum([0] + [len(table) for table in tables[:-1]])
            self._joined = (groups, columns), (Table(pyarrow.concat_tables(tables)), starts)
        return self._joined[1]

    def _group(self, group, columns):
        key = group, columns
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        coming = self._group_bytes(columns)
        while self._kept and self._bytes + coming > coming * self._most_groups(columns):
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        made = self._read(group, columns)
        self._kept[key] = made
        self._bytes += made.nbytes
        self._seen_bytes[columns] = max(self._seen_bytes.get(columns, 0), made.nbytes)
        return made

    def _read(self, group, columns):
        """In pieces, and what the decoder has used is given back: it takes twice as much otherwise."""
        rows = max(1, PIECE_BYTES * self.shard // self._group_bytes(columns))
        rows = 1 << (rows * 3 // 2).bit_length() - 1  # the decoder's buffers double: such a number fills them
        columns = list(dict.fromkeys(columns))
        found = pyarrow.Table.from_batches(self._pieces(group, columns, rows), self._schema_of(columns))
        pyarrow.default_memory_pool().release_unused()
        return found

    def _pieces(self, group, columns, rows):
        """RecordBatches of so many rows. Where "a" has a field "b", pyarrow reads both as "a.b"."""
        number, place, _ = self._groups[group]
        schema = self._schema_of(columns)
        for piece in self._file(number).iter_batches(rows, [place], columns, use_threads=False):
            yield pyarrow.RecordBatch.from_arrays(piece.select(columns).columns, schema=schema)

    def _schema_of(self, columns):
        return pyarrow.schema([self.schema.field(column) for column in columns])

    def batches(self, columns, condition=None):
        """(number of the first row, RecordBatch), one row group after the other; without those in
        which, by their statistics, no row meets the condition, an Expression of pyarrow."""
        self._here()
        some, columns = self._some(condition), list(columns) or self.schema.names[:1]
        for group in range(len(self._groups)):
            if some is not None and group not in some:
                continue
            first = self._first(group)
            for batch in self._pieces(group, columns, SCANNED_ROWS):
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


def _roots(schema, leaves):
    """The column that each leaf of the file belongs to; names do not tell where they have dots."""
    found = [field.name for field in schema for _ in range(_leaves(field.type))]
    return found if len(found) == leaves else []


def _leaves(kind):
    if isinstance(kind, pyarrow.BaseExtensionType):
        return _leaves(kind.storage_type)
    if pyarrow.types.is_map(kind):
        return _leaves(kind.key_type) + _leaves(kind.item_type)
    inner = [kind.field(place).type for place in range(kind.num_fields)]
    return sum(map(_leaves, inner)) if inner else 1


def _in_order(batches, numbers):
    """One RecordBatch of all rows, which have these numbers in it."""
    from ..table import Table

    table = Table(pyarrow.Table.from_batches(batches))
    places = numpy.empty(len(numbers), numpy.uint64)
    places[numbers] = numpy.arange(len(numbers), dtype=numpy.uint64)
    return table.take(places, list(range(len(table.schema))), table.schema)


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
