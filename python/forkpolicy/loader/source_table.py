# SPDX-License-Identifier: Apache-2.0
"""Tables whose rows are not in memory: a source of the protocol, and columns computed when taken."""

import ctypes
import time
from collections import deque

import numpy
import pyarrow

from . import conditions
from ._library import ArrowArray, ArrowSchema
from .encodings import assumed
from .pool import Pool
from .sql import NotHere
from .table import Table, hashes_of

SLAB = 1 << 13  # rows that are taken at once where a source cannot be scanned


class SourceTable(Table):
    """source: an object with `schema`, `count_rows()`, `take(row ids, columns)` and
    `fingerprint()`; `batches(columns, condition)`, `has_nulls(name)`, `rows_at_once`, `start`, `shard`
    and `window` are optional. docs/loader.md says what they are. It is pickled for workers.
    """

    def __init__(self, source, derived=()):
        self._source = source if self._found is None else self._found
        self._found = None
        self._derived = tuple(derived)  # (name, what computes it)
        self._base_schema = self._source.schema
        self._count = self._source.count_rows()
        fields = [pyarrow.field(name, one.result) for name, one in self._derived]
        self._schema = pyarrow.schema([*self._base_schema, *fields])
        self._fields = {}

    def __reduce__(self):
        return SourceTable, (self._source, self._derived)

    def __len__(self):
        return self._count

    @property
    def schema(self):
        return self._schema

    @property
    def start(self):
        """How workers have to be started; None: in any way."""
        return getattr(self._source, "start", None)

    @property
    def rows_at_once(self):
        """How many rows the source likes to be asked for at least; 0: any."""
        return getattr(self._source, "rows_at_once", 0)

    @property
    def locality(self):
        """{"shard": rows, "window": rows} of a shuffle that the source can read; {}: of any."""
        if not hasattr(self._source, "shard"):
            return {}
        return {"shard": self._source.shard, "window": self._source.window}

    @property
    def identity(self):
        return str(self._source.fingerprint())

    def to_arrow(self):
        raise TypeError(
            f"the rows of {type(self._source).__name__} are not in memory, which this needs: copy"
            " them into an Arrow file"
        )

    def __arrow_c_stream__(self, requested_schema=None):
        batches = (batch for _, batch in self._batches(self._base_schema.names))
        reader = pyarrow.RecordBatchReader.from_batches(self._base_schema, batches)
        return reader.__arrow_c_stream__(requested_schema)

    def field(self, column):
        if column not in self._fields:
            field = self._schema.field(column)
            ask = getattr(self._source, "has_nulls", None)
            known = ask(field.name) if ask and column < len(self._base_schema) else None
            self._fields[column] = assumed(field, known)
        return self._fields[column]

    @property
    def handle(self):
        raise TypeError("a source has no rows in memory")

    def ahead(self, threads, most_bytes):
        return TakesAhead(threads)

    # Rows

    def _taken(self, rows, columns):
        """The columns of these numbers, as arrays."""
        names = self._schema.names
        base = [number for number in columns if number < len(self._base_schema)]
        computed = {
            number: self._derived[number - len(self._base_schema)][1]
            for number in columns
            if number >= len(self._base_schema)
        }
        needed = [names[number] for number in base]
        for one in computed.values():
            needed += one.columns
        needed = list(dict.fromkeys(needed)) or names[:1]
        batch = self._source.take(rows, needed)
        if batch.num_rows != len(rows):
            raise ValueError(
                f"{type(self._source).__name__}.take gave {batch.num_rows} rows for {len(rows)}"
            )
        return [
            computed[number].evaluate(batch) if number in computed else batch.column(names[number])
            for number in columns
        ]

    def take(self, rows, columns, schema):
        arrays = [_array(part) for part in self._taken(rows, columns)]
        return pyarrow.RecordBatch.from_arrays(arrays, schema=schema)

    def take_raw(self, rows, columns):
        batch = self.take(rows, columns, pyarrow.schema([self._schema.field(n) for n in columns]))
        array, schema = ArrowArray(), ArrowSchema()
        batch._export_to_c(ctypes.addressof(array), ctypes.addressof(schema))
        return array, schema

    def _batches(self, columns, condition=None):
        """(number of the first row, RecordBatch) of all rows, or of those that may be wanted."""
        if hasattr(self._source, "batches"):
            yield from self._source.batches(columns, condition)
            return
        for first in range(0, self._count, SLAB):
            rows = numpy.arange(first, min(self._count, first + SLAB), dtype=numpy.uint64)
            yield first, self._source.take(rows, columns or self._schema.names[:1])

    # Conditions and values

    def filter(self, condition):
        found = conditions.rows_of_truths(condition, len(self))
        if found is not None:
            return found
        if not isinstance(condition, str):
            mask, columns = conditions.mask_of(condition, self._base_schema)
            return conditions.rows_where(self._batches(columns), mask, len(self))
        plan = self._plan(condition)
        if not plan.is_condition:
            plan = LibraryPlan(condition, self._base_schema)  # whose error names the place
        batches = self._batches(plan.columns, plan.pushed())
        return conditions.rows_where(batches, plan.mask, len(self))

    def _plan(self, sql):
        """What evaluates an SQL text, a batch at a time."""
        found = conditions.compiled(conditions.checked(sql), self._base_schema)
        if found is None:
            return LibraryPlan(sql, self._base_schema)
        return EitherPlan(found, sql, self._base_schema)

    def evaluate(self, sql):
        plan = self._plan(sql)
        found = conditions.over(self._batches(plan.columns), plan.evaluate, len(self))
        return pyarrow.chunked_array([array for _, array in found], plan.result)

    def hashes(self, columns):
        names = self._base_schema.names
        roots = [name if name in names else name.split(".")[0] for name in columns]
        roots = [name for name in dict.fromkeys(roots) if name in names] or columns
        found = [hashes_of(batch, columns) for _, batch in self._batches(roots)]
        return numpy.concatenate([numpy.empty(0, numpy.uint64), *found])

    def with_expressions(self, expressions):
        """They are computed of the rows that are taken."""
        made = [(name, self._plan(sql)) for name, sql in expressions.items()]
        return SourceTable(self._source, self._derived + tuple(made))

    def nested(self, name):
        return None  # a field of a struct is an expression like others


def _array(part):
    return part.combine_chunks() if isinstance(part, pyarrow.ChunkedArray) else part


class LibraryPlan:
    """The library's own evaluator, of one batch after the other."""

    is_condition = True

    def __init__(self, sql, schema):
        self._sql, self._schema = sql, schema
        self.columns = schema.names
        empty = Table(schema.empty_table())
        self.result = empty._evaluate_by_library(sql).type

    def __reduce__(self):
        return LibraryPlan, (self._sql, self._schema)

    def pushed(self):
        return None

    def mask(self, batch):
        rows = Table(pyarrow.Table.from_batches([batch]))._filter_by_library(self._sql)
        found = numpy.zeros(batch.num_rows, bool)
        found[rows.astype(numpy.int64)] = True
        return pyarrow.array(found)

    def evaluate(self, batch):
        found = Table(pyarrow.Table.from_batches([batch]))._evaluate_by_library(self._sql)
        return found.cast(self.result)


class EitherPlan:
    """By pyarrow; a batch with values that it cannot compute exactly by the library."""

    def __init__(self, compiled, sql, schema):
        self._compiled, self._sql, self._schema = compiled, sql, schema
        self.columns, self.is_condition = compiled.columns, compiled.is_condition
        self.result = compiled.result

    def __reduce__(self):
        return _either, (self._sql, self._schema)

    def pushed(self):
        return self._compiled.pushed()

    def mask(self, batch):
        try:
            return self._compiled.mask(batch)
        except NotHere:
            return LibraryPlan(self._sql, batch.schema).mask(batch)

    def evaluate(self, batch):
        try:
            return self._compiled.evaluate(batch)
        except NotHere:
            return LibraryPlan(self._sql, batch.schema).evaluate(batch).cast(self.result)


def _either(sql, schema):
    return EitherPlan(conditions.compiled(sql, schema), sql, schema)


class TakesAhead:
    """Takes of a source by threads, in the order in which they were asked for."""

    def __init__(self, threads):
        self._pool, self._asked = Pool(threads), deque()
        self._bytes = self._take_ns = 0

    def submit(self, table, rows, columns):
        self._asked.append(self._pool.submit(_timed, table._taken, rows, columns))

    def next(self, schema):
        arrays, nanoseconds = self._asked.popleft().result()
        batch = pyarrow.RecordBatch.from_arrays([_array(part) for part in arrays], schema=schema)
        self._bytes += batch.nbytes
        self._take_ns += nanoseconds
        return batch

    def counts(self):
        return {"bytes": self._bytes, "bytes_ahead": 0, "take_ns": self._take_ns}


def _timed(function, *arguments):
    begun = time.perf_counter_ns()
    return function(*arguments), time.perf_counter_ns() - begun
