# SPDX-License-Identifier: Apache-2.0
"""Tables: rows of Arrow data in memory, or in a memory-mapped Arrow IPC file."""

import ctypes

import numpy
import pyarrow
import pyarrow.compute

from . import conditions, sources
from ._library import ArrowArray, ArrowSchema, ArrowStream, Handle, SPLITS, WORD, WORDS
from ._library import call, library, text, words
from .encodings import refine
from .prefetch import Prefetch
from .sql import NotHere

ROW_ID = "_rowid"


def _read_object(source):
    if isinstance(source, pyarrow.Table):
        return source
    if isinstance(source, pyarrow.RecordBatch):
        return pyarrow.Table.from_batches([source])
    if hasattr(source, "__arrow_c_stream__"):
        try:
            return pyarrow.RecordBatchReader.from_stream(source).read_all()
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError) as error:
            raise TypeError(f"{type(source).__name__} is no stream of a table: {error}") from None
    if hasattr(source, "to_arrow"):
        found = source.to_arrow()
        if isinstance(found, (pyarrow.Table, pyarrow.RecordBatch, pyarrow.RecordBatchReader)):
            return _read_object(found)
    raise TypeError(
        f"{type(source).__name__} is no table: it has neither __arrow_c_stream__ nor a to_arrow()"
        " that gives a pyarrow table, it is no path, and no source of forkpolicy.loader"
    )


class Table:
    """Rows of columns, in memory that forked children share; it never changes.

    source: the path of an Arrow IPC or Parquet file, several paths, a directory, a glob; anything
    with ``__arrow_c_stream__`` (pyarrow, polars, pandas, duckdb ...) or ``to_arrow()``; a LanceDB
    table, a Dataset of Hugging Face, a dict of numpy arrays, a torch Dataset with __getitems__, or
    a source of your own (docs/loader.md). Arrow files are memory-mapped, Parquet and LanceDB read
    where they are. The row id of a row is its number, from 0.

    A pickled table holds the paths, where there are any, else the data.

    Raises TypeError for what is no table, ValueError for a file that is none, and says what it is.
    """

    def __new__(cls, source=None, *others):
        found = sources.found(source) if cls is Table and source is not None else None
        if found is None or not sources.is_source(found):
            made = object.__new__(cls)
        else:
            from .source_table import SourceTable

            made = object.__new__(SourceTable)
        made._found = found
        return made

    def __init__(self, source):
        found = self._found if self._found is not None else _read_object(source)
        self._found = None
        if isinstance(found, sources.MappedFiles):
            self._files, found = found, found.table
        self._set(found)

    def _set(self, arrow):
        self._base, self._expressions = None, {}
        self._arrow = arrow
        self._fields = {}
        stream = ArrowStream()
        arrow.to_reader()._export_to_c(ctypes.addressof(stream))
        self._handle = Handle("table")
        call("table_import", self._handle.pointer, stream)

    @classmethod
    def _from_files(cls, names, stamps):
        table = cls(names)
        for name, before, now in zip(names, stamps, table._files.stamps):
            if before != now:
                raise ValueError(f"{name} has changed since the table was pickled")
        return table

    @classmethod
    def _from_buffer(cls, buffer):
        return cls(pyarrow.ipc.open_stream(buffer))

    def __reduce__(self):
        if self._base is not None:
            return Table.with_expressions, (self._base, self._expressions)
        if self._files is not None:
            return Table._from_files, (self._files.names, self._files.stamps)
        sink = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(sink, self._arrow.schema) as writer:
            writer.write_table(self._arrow)
        return Table._from_buffer, (sink.getvalue(),)

    def __len__(self):
        return self._arrow.num_rows

    @property
    def schema(self):
        """A pyarrow.Schema, of all columns."""
        return self._arrow.schema

    def to_arrow(self):
        """The pyarrow.Table; nothing is copied."""
        return self._arrow

    def __arrow_c_stream__(self, requested_schema=None):
        return self._arrow.__arrow_c_stream__(requested_schema)

    def field(self, column):
        """The field of a column number, nullable only where there are nulls in the table."""
        if column not in self._fields:
            chunks = self._arrow.column(column).chunks
            self._fields[column] = refine(self.schema.field(column), chunks)
        return self._fields[column]

    def check_files(self):
        """ValueError: a mapped file has been truncated since it was opened."""
        if self._files is not None:
            self._files.check()

    def read_ahead(self):
        """All rows are about to be read."""
        if self._files is not None:
            self._files.read_ahead()

    start, locality, identity = None, {}, None  # of tables whose rows are elsewhere
    rows_at_once = 0
    _base = _files = None

    def ahead(self, threads, most_bytes):
        """What takes rows ahead."""
        return Prefetch(threads, most_bytes)

    @property
    def handle(self):
        """The library's."""
        return self._handle.pointer

    def take_raw(self, rows, columns):
        """The rows at these numbers (a uint64 array) of these columns (numbers), as an ArrowArray
        and its ArrowSchema."""
        array, schema = ArrowArray(), ArrowSchema()
        self._take(rows, columns, array, schema)
        return array, schema

    def take(self, rows, columns, schema):
        """The same as a RecordBatch of a pyarrow.Schema, in which the columns may have other names."""
        array = ArrowArray()
        self._take(rows, columns, array, None)
        return pyarrow.RecordBatch._import_from_c(ctypes.addressof(array), schema)

    def _take(self, rows, columns, array, schema):
        rows = numpy.ascontiguousarray(rows, dtype=numpy.uint64)
        numbers = (ctypes.c_int * max(1, len(columns)))(*columns)
        address = rows.ctypes.data
        call("table_take", self.handle, address, len(rows), numbers, len(columns), array, schema)

    def filter(self, condition):
        """The numbers of the rows where the condition holds, ascending: a uint64 array.

        condition: SQL, an expression of pyarrow or polars, or an array of truths.
        """
        found = conditions.rows_of_truths(condition, len(self))
        if found is not None:
            return found
        if not isinstance(condition, str):
            mask, columns = conditions.mask_of(condition, self.schema)
            return conditions.rows_where(self._slabs(columns), mask, len(self))
        compiled = conditions.compiled(conditions.checked(condition), self.schema)
        if compiled is not None and compiled.is_condition:
            try:
                slabs = self._slabs(compiled.columns)
                return conditions.rows_where(slabs, compiled.mask, len(self))
            except NotHere:
                pass  # as of integers beyond 64 bits
        return self._filter_by_library(condition)

    def _slabs(self, columns):
        """Batches of these columns, or of any where there are none."""
        return conditions.slabs_of(self._arrow.select(columns or self.schema.names[:1]))

    def _filter_by_library(self, sql):
        rows, count = WORDS(), WORD()
        call("table_filter", self._handle.pointer, text(sql, "SQL"), ctypes.byref(rows), count)
        try:
            found = numpy.empty(count.value, numpy.uint64)
            if count.value:
                ctypes.memmove(found.ctypes.data, rows, found.nbytes)
            return found
        finally:
            library.forkloader_rows_free(rows)

    def evaluate(self, sql):
        """The expression's value for every row: a pyarrow.Array, or a ChunkedArray."""
        compiled = conditions.compiled(conditions.checked(sql), self.schema)
        if compiled is None or compiled.is_time:
            try:
                return self._evaluate_by_library(sql)
            except ValueError:
                if compiled is None:
                    raise
        try:
            kind = compiled.result
            slabs = self._slabs(compiled.columns)
            found = conditions.over(slabs, compiled.evaluate, len(self))
            return pyarrow.chunked_array([array for _, array in found], kind)
        except NotHere:
            return self._evaluate_by_library(sql)

    def _evaluate_by_library(self, sql):
        array, schema = ArrowArray(), ArrowSchema()
        call("table_evaluate", self._handle.pointer, text(sql, "SQL"), array, schema)
        return pyarrow.Array._import_from_c(ctypes.addressof(array), ctypes.addressof(schema))

    def hashes(self, columns):
        """A hash of each row's values in these columns ("a.b": a field): a uint64 array."""
        found = numpy.empty(max(1, len(self)), numpy.uint64)
        names = (ctypes.c_char_p * max(1, len(columns)))(*(text(name, "a column name") for name in columns))
        call("table_hash", self._handle.pointer, names, len(columns), words(found))
        return found[: len(self)]

    def with_expressions(self, expressions):
        """A table with one more column for each {name: SQL}; all rows are evaluated now.

        A name of a struct's field ("a.b") is that field, whatever its type. Nothing else is copied.
        """
        arrow = self._arrow
        for name, sql in expressions.items():
            arrow = arrow.append_column(name, self._value(sql))
        table = Table(arrow)
        table._base, table._expressions, table._files = self, dict(expressions), self._files
        return table

    def _value(self, sql):
        place = self.schema.get_field_index(sql)
        if place >= 0:
            return self._arrow.column(place)
        if sql == ROW_ID:
            return pyarrow.array(numpy.arange(len(self), dtype=numpy.uint64))
        found = self.nested(sql)
        return self.evaluate(sql) if found is None else found

    def nested(self, name):
        """The field of a struct column that "a.b" names, or None."""
        first, *others = name.split(".")
        place = self.schema.get_field_index(first)
        if place < 0 or not others:
            return None
        kind, path = self.schema.field(place).type, []
        for part in others:
            if not pyarrow.types.is_struct(kind) or kind.get_field_index(part) < 0:
                return None
            path.append(kind.get_field_index(part))
            kind = kind.field(path[-1]).type
        return pyarrow.compute.struct_field(self._arrow.column(place), path)


def hashes_of(batch, columns):
    """Table.hashes of one batch."""
    return Table(pyarrow.Table.from_batches([batch])).hashes(columns)


def as_table(source):
    """The source itself where it is a Table already."""
    return source if isinstance(source, Table) else Table(source)


def hash_splits(hashes, weights, discard_weight):
    """The split of each hash, -1 where it is discarded: an int32 array."""
    found = numpy.empty(max(1, len(hashes)), numpy.int32)
    hashes = numpy.ascontiguousarray(hashes)
    weights = numpy.array(weights, dtype=numpy.uint64)
    call(
        "hash_splits", words(hashes), len(hashes), words(weights), len(weights), discard_weight,
        found.ctypes.data_as(SPLITS),
    )  # fmt: skip
    return found[: len(hashes)]
