# SPDX-License-Identifier: Apache-2.0
"""Conditions over many rows: SQL, expressions of pyarrow and polars, and arrays of truths.

Rows are looked at in slabs that fit the processor's cache, several at a time. The threads end with
the call, so that none is there when somebody forks.
"""

import collections
import concurrent.futures
import os

import numpy
import pyarrow
import pyarrow.compute as compute

from . import sql as _sql
from ._library import text
from .sql.values import truths_of

SLAB = 1 << 16  # rows
MOST_THREADS = 16
FEW = 4 * SLAB  # rows for which no thread is started


def slabs_of(arrow):
    """Of a pyarrow.Table, without a copy: (number of the first row, RecordBatch)."""
    first = 0
    for batch in arrow.to_batches(max_chunksize=SLAB):
        yield first, batch
        first += batch.num_rows


def over(slabs, function, rows):
    """[function(batch)] of each slab, in order; a few of them are held at a time."""
    threads = min(MOST_THREADS, len(os.sched_getaffinity(0)))
    if rows <= FEW or threads == 1:
        return [(first, function(batch)) for first, batch in slabs]
    found, begun = [], collections.deque()
    with concurrent.futures.ThreadPoolExecutor(threads, "forkloader") as pool:
        try:
            for first, batch in slabs:
                begun.append((first, pool.submit(function, batch)))
                if len(begun) > 2 * threads:
                    first, made = begun.popleft()
                    found.append((first, made.result()))
            found += [(first, made.result()) for first, made in begun]
        except BaseException:
            for _, made in begun:
                made.cancel()
            raise
    return found


def rows_where(slabs, mask, rows):
    """The numbers of the rows where mask(batch), a BooleanArray, is true: a uint64 array."""

    def of_batch(batch):
        return places_in(mask(batch))

    found = over(slabs, of_batch, rows)
    for first, places in found:
        places += numpy.uint64(first)
    return numpy.concatenate([numpy.empty(0, numpy.uint64), *(places for _, places in found)])


def places_in(mask):
    """Where a BooleanArray is true: a uint64 array. By numpy, several times as fast as
    indices_nonzero."""
    mask = mask.fill_null(False) if mask.null_count else mask
    return numpy.flatnonzero(truths_of(mask)).view(numpy.uint64)


def check(condition, count, schema):
    """TypeError or ValueError for what is no condition; SQL is checked when it is read."""
    if rows_of_truths(condition, count) is None:
        mask_of(condition, schema)


def mask_of(condition, schema):
    """(function of a batch, the columns that it needs) of an expression of pyarrow or polars."""
    if isinstance(condition, compute.Expression):
        said = str(condition)
        return _by_pyarrow(condition), [name for name in schema.names if name in said]
    if type(condition).__module__.split(".")[0] == "polars" and hasattr(condition, "meta"):
        names = [name for name in condition.meta.root_names() if name in schema.names]
        return _by_polars(condition), names
    kind = type(condition).__name__
    raise TypeError(
        f"a filter must be SQL, an expression of pyarrow or polars, or an array of truths, not {kind}"
    )


def _by_pyarrow(condition):
    import pyarrow.dataset as dataset

    def mask(batch):
        scanner = dataset.Scanner.from_batches(
            iter([batch]), schema=batch.schema, columns={"": condition}, use_threads=False
        )
        found = scanner.to_table().column(0).combine_chunks()
        if not pyarrow.types.is_boolean(found.type):
            raise TypeError(f"the filter gives {found.type}, not truths")
        return found

    return mask


def _by_polars(condition):
    import polars

    def mask(batch):
        found = polars.from_arrow(pyarrow.Table.from_batches([batch])).select(condition).to_series()
        if found.dtype != polars.Boolean:
            raise TypeError(f"the filter gives {found.dtype}, not truths")
        return found.to_arrow()

    return mask


def rows_of_truths(condition, count):
    """Of an array of truths, one for each row; None: it is none."""
    if isinstance(condition, (compute.Expression, str)) or hasattr(condition, "meta"):
        return None
    if isinstance(condition, (pyarrow.Array, pyarrow.ChunkedArray)):
        found = numpy.asarray(compute.fill_null(condition, False))
    elif isinstance(condition, (numpy.ndarray, list, tuple)) or hasattr(condition, "__array__"):
        found = numpy.asarray(condition)
    else:
        return None
    if found.dtype != bool or found.ndim != 1:
        raise TypeError(f"a filter must be an array of truths, not of {found.dtype}")
    if len(found) != count:
        raise ValueError(f"the filter has {len(found)} truths for {count} rows")
    return numpy.flatnonzero(found).astype(numpy.uint64)


def checked(sql):
    """ValueError for SQL with a NUL, whoever evaluates it."""
    text(sql, "SQL")
    return sql


def compiled(expression, schema):
    """The Compiled expression of an SQL text, None where the library's own evaluator has it."""
    try:
        return _sql.compiled(expression, schema)
    except _sql.NotHere:
        return None
