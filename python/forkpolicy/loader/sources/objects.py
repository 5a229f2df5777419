# SPDX-License-Identifier: Apache-2.0
"""Objects of other libraries as pyarrow Tables or sources. What has to be copied says how much."""

import sys
import warnings

import numpy
import pyarrow

LARGE = 1 << 30  # bytes, from which on a copy is told of


def of_object(source):
    module = type(source).__module__.split(".")[0]
    if module == "datasets":
        return _of_datasets(source)
    if module == "polars" and type(source).__name__ == "LazyFrame":
        return _collected(source)
    if isinstance(source, dict):
        return _of_dict(source)
    if hasattr(source, "__getitems__") and hasattr(source, "__len__") and not hasattr(
        source, "__arrow_c_stream__"
    ):  # fmt: skip
        return MapSource(source)
    return None


def told(what, size):
    """Before a large copy into memory is made."""
    if size is not None and size >= LARGE:
        said = f"{what} is copied into memory: about {size / (1 << 30):.1f} GiB"
        warnings.warn(said, UserWarning, stacklevel=6)


def _of_datasets(source):
    """A Dataset of Hugging Face: its mapped tables, in the order of its indices."""
    if not hasattr(source, "data") or not hasattr(source, "_indices"):
        raise TypeError(
            f"a datasets.{type(source).__name__} is no table of rows: take one of its splits,"
            " such as dataset['train']; one that streams has no rows to be taken by number"
        )
    arrow = source.data.table.replace_schema_metadata(None)
    if source._indices is None:
        return arrow
    rows = source._indices.column(0).to_numpy()
    return ChosenRows(arrow, numpy.ascontiguousarray(rows, numpy.uint64))


def _collected(source):
    """polars' streaming engine; the size is not known before."""
    found = source.collect(engine="streaming")
    told("a polars LazyFrame", found.estimated_size())
    return pyarrow.table(found)


def _of_dict(source):
    if not all(isinstance(name, str) for name in source):
        raise TypeError("a dict is no table where its keys are no names")
    return pyarrow.table({name: _of_values(name, values) for name, values in source.items()})


def _of_values(name, values):
    """An array of the first dimension: of two it has vectors, of more fixed-shape tensors."""
    if isinstance(values, (pyarrow.Array, pyarrow.ChunkedArray)):
        return values
    if not hasattr(values, "__array__"):
        if not isinstance(values, (list, tuple)):
            raise TypeError(
                f"a dict whose `{name}` is {type(values).__name__} is no table: columns are arrays"
            )
        return pyarrow.array(values)
    values = numpy.asarray(values)
    if values.ndim < 2:
        return pyarrow.array(values)
    shape = values.shape[1:]
    flat = pyarrow.array(numpy.ascontiguousarray(values).reshape(-1))
    made = pyarrow.FixedSizeListArray.from_arrays(flat, int(numpy.prod(shape)))
    if len(shape) == 1:
        return made
    return pyarrow.ExtensionArray.from_storage(pyarrow.fixed_shape_tensor(flat.type, shape), made)


class ChosenRows:
    """Rows of a table in memory, or mapped, by number."""

    def __init__(self, arrow, rows):
        from ..table import Table

        self._table, self._rows = Table(arrow), rows
        self.schema = arrow.schema

    def count_rows(self):
        return len(self._rows)

    def fingerprint(self):
        import hashlib

        return hashlib.blake2b(self._rows.tobytes(), digest_size=8).hexdigest()

    def has_nulls(self, name):
        return self._table.field(self.schema.get_field_index(name)).nullable

    def take(self, rows, columns):
        numbers = [self.schema.get_field_index(name) for name in columns]
        fields = [self.schema.field(number) for number in numbers]
        chosen = self._rows[numpy.asarray(rows).astype(numpy.int64)]
        return self._table.take(chosen, numbers, pyarrow.schema(fields))


class MapSource:
    """A torch Dataset with __getitems__, whose rows are dicts."""

    def __init__(self, dataset):
        self._dataset = dataset
        first = self._batch([0]) if len(dataset) else pyarrow.table({})
        # A null in a column whose first row has none is an error when it is taken.
        self.schema = pyarrow.schema(
            [
                field.with_nullable(first.column(field.name).null_count > 0)
                for field in first.schema
            ]
        )

    def _batch(self, rows):
        items = self._dataset.__getitems__(rows)
        if isinstance(items, (pyarrow.RecordBatch, pyarrow.Table)):
            return items
        if isinstance(items, dict):
            return _of_dict(items)
        if not items or not isinstance(items[0], dict):
            raise TypeError(
                f"{type(self._dataset).__name__}.__getitems__ gives no dicts: a row needs names"
            )
        return _of_dict({name: _column([item[name] for item in items]) for name in items[0]})

    def count_rows(self):
        return len(self._dataset)

    def fingerprint(self):
        return f"{type(self._dataset).__name__} {len(self._dataset)}"

    def has_nulls(self, name):
        return None if self.schema.field(name).nullable else False

    def take(self, rows, columns):
        rows = [int(row) for row in rows]
        if not rows:
            return pyarrow.RecordBatch.from_pylist([], self.schema).select(columns)
        found = self._batch(rows)
        if isinstance(found, pyarrow.Table):
            found = found.combine_chunks().to_batches()[0]
        return found.select(columns).cast(pyarrow.schema([self.schema.field(c) for c in columns]))


def _column(values):
    """Tensors and arrays of one shape together; others as they are."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(values[0], torch.Tensor):
        return torch.stack(values).numpy()
    if isinstance(values[0], numpy.ndarray):
        return numpy.stack(values)
    return pyarrow.array(values)
