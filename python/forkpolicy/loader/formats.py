# SPDX-License-Identifier: Apache-2.0
"""What a batch is given as: with_format's names."""

import numpy
import pyarrow
import pyarrow.types as types

from .encodings import NUMBERS, is_text, plain
from .tensors import Masked, row_of, to_tensor


def _python(batch, fields):
    return batch.to_pylist()


def _python_col(batch, fields):
    return batch.to_pydict()


def _arrow(batch, fields):
    return batch


def _pandas(batch, fields):
    return batch.to_pandas(use_threads=False)  # a forked child has none of them


def _polars(batch, fields):
    import polars

    return polars.from_arrow(batch, rechunk=False)


def _numpy(batch, fields):
    """(rows, columns): of the common type of numbers, of the one type of all, or else objects."""
    columns = [_as_numpy(column) for column in batch.columns]
    kinds = {column.dtype for column in columns}
    if len(kinds) == 1:
        kind = kinds.pop()
    elif all(found.kind in "iuf" for found in kinds):
        kind = numpy.result_type(*kinds)
    else:
        kind = object
    found = numpy.empty((batch.num_rows, len(columns)), kind)
    for place, column in enumerate(columns):
        if kind is object and column.dtype.kind in "mM":
            for row, value in enumerate(column):  # numpy would make ints of them
                found[row, place] = value
        else:
            found[:, place] = column
    return found


def _as_numpy(column):
    """pyarrow has no way from dictionaries of views or unions, and crashes at intervals."""
    if column.type.id in NUMBERS:
        return column.to_numpy(zero_copy_only=False)
    if types.is_dictionary(column.type) and is_text(column.type.value_type):
        column = plain(column)
    if _is_foreign(column.type):
        found = numpy.empty(len(column), object)
        for row, value in enumerate(column.to_pylist()):
            found[row] = value
        return found
    return column.to_numpy(zero_copy_only=False)


def _is_foreign(kind):
    """Has it intervals or unions?"""
    if isinstance(kind, pyarrow.ExtensionType):
        return _is_foreign(kind.storage_type)
    inner = [kind.field(place).type for place in range(kind.num_fields)]
    return (
        types.is_interval(kind) or types.is_union(kind) or any(_is_foreign(part) for part in inner)
    )


def _tensor(batch, fields):
    return {field.name: to_tensor(column, field) for field, column in zip(fields, batch.columns)}


def _with_texts(column, field):
    """As tensors, but texts are a list of str, also within structs."""
    stored = plain(column)
    if is_text(stored.type):
        return stored.to_pylist()
    if not types.is_struct(stored.type):
        return to_tensor(column, field)
    fields = [
        inner.with_nullable(inner.nullable or field.nullable) for inner in list(field.type)
    ]
    return {
        inner.name: _with_texts(part, inner) for inner, part in zip(fields, stored.flatten())
    }


def _torch(batch, fields):
    columns = {
        field.name: _with_texts(column, field) for field, column in zip(fields, batch.columns)
    }
    return [
        {name: row_of(column, row) for name, column in columns.items()}
        for row in range(batch.num_rows)
    ]


def _matrix(batch, fields):
    """(rows, width) of one type: a fixed-size list is as wide as it is long, null is NaN."""
    import torch

    parts = []
    for field, column in zip(fields, batch.columns):
        value = to_tensor(column, field)
        if isinstance(value, Masked) and isinstance(value.values, torch.Tensor):
            values, valid = value
            values = values if values.is_floating_point() else values.double()
            value = values.masked_fill(~valid, float("nan"))
        if not isinstance(value, torch.Tensor):
            raise TypeError(f"column `{field.name}` of {column.type} does not fit into a matrix")
        parts.append(value.reshape(batch.num_rows, -1) if batch.num_rows else value.reshape(0, 1))
    # numpy's common type: torch has none for wide unsigned numbers.
    common = numpy.result_type(*(part.numpy().dtype for part in parts))
    kind = torch.from_numpy(numpy.empty(0, common)).dtype
    return torch.cat([part.to(kind) for part in parts], dim=1)


def _torch_row(batch, fields):
    return list(_matrix(batch, fields))


def _torch_col(batch, fields):
    return _matrix(batch, fields).T.contiguous()


FORMATS = {
    "python": _python,
    "python_col": _python_col,
    "numpy": _numpy,
    "pandas": _pandas,
    "polars": _polars,
    "arrow": _arrow,
    "torch": _torch,
    "torch_row": _torch_row,
    "torch_col": _torch_col,
    "tensor": _tensor,
}
# Those that are told which columns have nulls, which asks for a look at the whole table.
TENSORS = {"torch", "torch_row", "torch_col", "tensor"}


def collate(batch):
    """The batch as it is: a DataLoader's collate_fn where the format has made the batch."""
    return batch
