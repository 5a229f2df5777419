# SPDX-License-Identifier: Apache-2.0
"""Arrow columns as torch tensors: of views of the column's own memory where its type has one."""

from collections import namedtuple

import numpy
import pyarrow
import pyarrow.types as types

from .encodings import NUMBERS, elements, is_any, is_text, plain


class Masked(namedtuple("Masked", ("values", "valid"))):
    """A column with nulls: `values`, 0 where null, and `valid`, bool and of the same shape."""

    __slots__ = ()


class Ragged(namedtuple("Ragged", ("values", "offsets"))):
    """Lists or texts: row i is values[offsets[i] : offsets[i + 1]]; offsets are int64, rows + 1."""

    __slots__ = ()

    def row(self, number):
        return self.values[self.offsets[number] : self.offsets[number + 1]]


TIMES = types.is_timestamp, types.is_duration, types.is_time, types.is_date


def _numbers(array):
    """The values of a column of fixed width, nulls unread, as a tensor; None: no such type."""
    import torch

    kind = array.type
    if types.is_boolean(kind):
        array = array.fill_null(False) if array.null_count else array
        return torch.from_numpy(array.to_numpy(zero_copy_only=False).astype(bool))
    shape = (len(array),)
    if types.is_fixed_size_binary(kind) and not types.is_decimal(kind):
        kind, shape = pyarrow.uint8(), (len(array), kind.byte_width)
    elif is_any(kind, TIMES):
        kind = pyarrow.int32() if kind.bit_width == 32 else pyarrow.int64()
    elif not (types.is_integer(kind) or types.is_floating(kind)):
        return None
    width = shape[1] if len(shape) == 2 else 1
    buffers = [None, array.buffers()[1]]
    if not len(array) or buffers[1] is None:
        return torch.from_numpy(numpy.zeros(shape, kind.to_pandas_dtype()))
    count, offset = len(array) * width, array.offset * width
    # By DLPack, which knows no read-only memory: a view of what pyarrow thinks immutable.
    return torch.from_dlpack(
        pyarrow.Array.from_buffers(kind, count, buffers, offset=offset)
    ).reshape(shape)


def _valid(array, shape):
    import torch

    valid = torch.from_numpy(array.is_valid().to_numpy(zero_copy_only=False).astype(bool))
    return valid.reshape((-1,) + (1,) * (len(shape) - 1)).expand(shape)


def _masked(array, field, value, path):
    """With the mask that the nulls of this array, or those of the values in it, ask for."""
    inner = isinstance(value, Masked)
    if not field.nullable:
        if array.null_count:
            raise ValueError(
                f"`{path}` has a null, and its source was said to have none there: leave such rows out"
                f' by a filter ("{path} IS NOT NULL"), or read another format, as "arrow"'
            )
        return value
    if isinstance(value, dict):
        return {name: _masked(array, field, part, path) for name, part in value.items()}
    values = value.values if inner else value
    ragged = isinstance(values, Ragged)
    valid = _valid(array, (len(array),) if ragged else values.shape)
    valid = valid & value.valid if inner else valid.contiguous()
    if not ragged:
        _signed(values).masked_fill_(~valid, 0)
    return Masked(values, valid)


def _signed(values):
    """A view that torch computes with: of wide unsigned numbers it only holds them."""
    import torch

    signed = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}
    return values.view(signed[values.dtype]) if values.dtype in signed else values


def to_tensor(array, field, path=None):
    """A column as tensors; `field` (of refine) tells where nulls are to be expected.

    Numbers and times: (rows,), of their own width. Booleans: torch.bool. Fixed-size lists:
    (rows, size), and so on within. Fixed-size binary: uint8 (rows, width). Structs: a dict. Lists,
    strings and binary: Ragged, texts as uint8 (UTF-8). Extension types: as their storage, but a
    fixed-shape tensor has its shape and bool8 is torch.bool. With nulls: Masked. The tensors are
    views of the array but for booleans and where an encoding has to be undone.

    Raises TypeError for decimals, maps, unions and null columns, ValueError for a null that `field`
    does not tell of.
    """
    if array.type.id in NUMBERS and len(array) and not (field.nullable or array.null_count):
        import torch

        return torch.from_dlpack(array)
    path, outer = path or field.name, array.type
    array = plain(array)
    kind = array.type
    if types.is_struct(kind):
        value = {
            inner.name: to_tensor(
                array.field(place), field.type.field(place), f"{path}.{inner.name}"
            )
            for place, inner in enumerate(kind)
        }
    elif types.is_fixed_size_list(kind):
        value = to_tensor(elements(array), field.type.value_field, path)
        value = _split(value, len(array), kind.list_size, path)
    elif types.is_large_list(kind):
        offsets = _numbers(array.offsets)
        inner = array.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
        inner = to_tensor(inner, field.type.value_field, path)
        value = Ragged(inner, offsets - offsets[0])
    elif is_text(kind):
        value = _bytes(array)
    else:
        value = _numbers(array)
        if value is None:
            raise TypeError(f"column `{path}` of {kind} has no tensor: remove it or convert it")
    return _masked(array, field, _as_extension(outer, value), path)


def _as_extension(kind, value):
    """What an extension type says of its storage: a tensor's shape, a byte that is a truth."""
    import torch

    if isinstance(value, Masked) and isinstance(value.values, torch.Tensor):
        return Masked(*(_as_extension(kind, part) for part in value))
    if isinstance(kind, pyarrow.FixedShapeTensorType):
        order = list(kind.permutation or range(len(kind.shape)))
        value = value.reshape((len(value), *kind.shape))
        return value.permute(0, *(place + 1 for place in order))
    if isinstance(kind, pyarrow.Bool8Type):
        return value != 0
    return value


def _split(value, rows, size, path):
    if isinstance(value, Masked) and not isinstance(value.values, Ragged):
        return Masked(*(_split(part, rows, size, path) for part in value))
    if isinstance(value, (dict, Ragged, Masked)):
        raise TypeError(f"column `{path}`: only fixed-size lists of numbers have a tensor")
    return value.reshape((rows, size) + value.shape[1:])


def _bytes(array):
    import torch

    _, offsets, data = array.buffers()
    if not len(array) or offsets is None:
        return Ragged(torch.empty(0, dtype=torch.uint8), torch.zeros(1, dtype=torch.int64))
    offsets = pyarrow.Array.from_buffers(
        pyarrow.int64(), len(array) + 1, [None, offsets], offset=array.offset
    )
    offsets = torch.from_dlpack(offsets)
    first, last = int(offsets[0]), int(offsets[-1])
    if first == last:
        return Ragged(torch.empty(0, dtype=torch.uint8), offsets - first)
    values = pyarrow.Array.from_buffers(pyarrow.uint8(), last - first, [None, data], offset=first)
    return Ragged(torch.from_dlpack(values), offsets - first)


def row_of(value, number):
    """One row of what to_tensor gave."""
    if isinstance(value, dict):
        return {name: row_of(part, number) for name, part in value.items()}
    if isinstance(value, Masked):
        return Masked(row_of(value.values, number), value.valid[number])
    if isinstance(value, Ragged):
        return value.row(number)
    return value[number]
