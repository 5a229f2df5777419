# SPDX-License-Identifier: Apache-2.0
"""Columns of a batch as values: one array type for each kind, whatever the column's own."""

import pyarrow
import pyarrow.compute as compute
import pyarrow.types as types

from ..encodings import LISTS, is_any, plain
from .values import BIG, BOOL, BYTES, DATE, INT, LIST, NULL, OTHER, REAL, STAMP, TEXT, TIME, Value
from .values import NotHere, is_expression, rows_only


class Columns:
    """The columns of one batch, each fetched and made plain once. `fetch` gives a root column."""

    def __init__(self, fetch):
        self._fetch = fetch
        self._found = {}

    def get(self, path, make):
        if path not in self._found:
            self._found[path] = make(self._fetch, path)
        return self._found[path]


def resolve(schema, parts):
    """(path, field type): of a column whose name is the parts joined, or of a field of structs."""
    for count in range(len(parts), 0, -1):
        place = schema.get_field_index(".".join(parts[:count]))
        if place < 0:
            continue
        kind, path = schema.field(place).type, [schema.names[place]]
        for part in parts[count:]:
            while isinstance(kind, pyarrow.ExtensionType):
                kind = kind.storage_type
            if not types.is_struct(kind) or kind.get_field_index(part) < 0:
                break
            path.append(kind.get_field_index(part))
            kind = kind.field(path[-1]).type
        else:
            return tuple(path), kind
    names = ", ".join(f"`{name}`" for name in schema.names)
    raise NotHere(f"there is no column `{'.'.join(parts)}`: the columns are {names}")


def column(schema, parts):
    """(Value, the name of the column that has to be read)"""
    path, kind = resolve(schema, parts)
    kind, convert = _stored(kind)
    value_kind, arrow, cast = kind_of(kind)

    def make(fetch, path):
        found = fetch(path[0])
        if len(path) > 1:
            if is_expression(found):
                raise NotHere("a field of a struct")
            found = compute.struct_field(_undone(found), list(path[1:]))
        if convert and is_expression(found):
            raise NotHere("an encoded column")
        found = _undone(found) if convert else found
        return cast(found) if cast else found

    found = Value(
        value_kind, lambda columns: columns.get(path, make), arrow, is_nan=value_kind == REAL
    )
    return found, path[0]


def _undone(array):
    """Of extension types, dictionaries and runs the values."""
    while isinstance(array, pyarrow.ExtensionArray):
        array = array.storage
    kind = array.type
    return plain(array) if types.is_dictionary(kind) or types.is_run_end_encoded(kind) else array


def _stored(kind):
    """(the type of the values, has something to be undone?)"""
    encoded = False
    while True:
        if isinstance(kind, pyarrow.ExtensionType):
            kind = kind.storage_type
        elif types.is_dictionary(kind) or types.is_run_end_encoded(kind):
            kind = kind.value_type
            kind = pyarrow.large_string() if types.is_string(kind) else kind
        else:
            return kind, encoded
        encoded = True


def kind_of(kind):
    """(kind, Arrow type, what makes it that of the kind)"""

    def to(arrow):
        return lambda found: compute.cast(found, arrow)

    if types.is_boolean(kind):
        return BOOL, kind, None
    if types.is_uint64(kind):
        return BIG, kind, None
    if types.is_integer(kind):
        return INT, kind, None
    if types.is_float16(kind):
        return REAL, pyarrow.float64(), to(pyarrow.float64())
    if types.is_floating(kind):
        return REAL, kind, None
    if types.is_decimal(kind):
        return _of_decimal(kind)
    if types.is_string(kind) or types.is_large_string(kind):
        return TEXT, kind, None
    if types.is_string_view(kind):
        return TEXT, pyarrow.large_string(), to(pyarrow.large_string())
    if types.is_binary(kind) or types.is_large_binary(kind):
        return BYTES, kind, None
    if types.is_binary_view(kind) or types.is_fixed_size_binary(kind):
        return BYTES, pyarrow.large_binary(), to(pyarrow.large_binary())
    if types.is_date(kind):
        return DATE, kind, None
    if types.is_timestamp(kind):
        return STAMP, kind, None
    if types.is_time(kind):
        return TIME, kind, None
    if types.is_duration(kind):
        return INT, pyarrow.int64(), to(pyarrow.int64())
    if types.is_null(kind):
        return NULL, kind, None
    if is_any(kind, LISTS) or types.is_fixed_size_list(kind):
        return LIST, kind, None
    return OTHER, kind, None


def _of_decimal(kind):
    if kind.scale > 0:
        return REAL, pyarrow.float64(), _decimal_to_double

    def whole(found):
        rows_only(found)
        return compute.cast(found, pyarrow.int64())

    return INT, pyarrow.int64(), whole


def _decimal_to_double(found):
    """The nearest double: pyarrow's cast is one where the digits fit 53 bits."""
    rows_only(found)
    made = compute.cast(found, pyarrow.float64())
    digits = made.type and compute.max(compute.abs(made)).as_py() or 0
    if digits * 10.0**found.type.scale > 2.0**53 or found.type.scale > 22:
        raise NotHere("decimals of more digits than a double has")
    return made
