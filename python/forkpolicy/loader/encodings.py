# SPDX-License-Identifier: Apache-2.0
"""Arrow's ways to write one type down, undone; and where a column's nulls are, by its null counts."""

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.types as types

TEXTS = (
    types.is_string, types.is_large_string, types.is_string_view,
    types.is_binary, types.is_large_binary, types.is_binary_view,
)  # fmt: skip
LISTS = types.is_list, types.is_large_list, types.is_list_view, types.is_large_list_view
NUMBERS = {
    kind.id
    for kind in (
        pyarrow.int8(), pyarrow.int16(), pyarrow.int32(), pyarrow.int64(),
        pyarrow.uint8(), pyarrow.uint16(), pyarrow.uint32(), pyarrow.uint64(),
        pyarrow.float16(), pyarrow.float32(), pyarrow.float64(),
    )
}  # fmt: skip
VECTORS = pyarrow.list_(pyarrow.int8(), 1).id


def is_any(kind, tests):
    return any(test(kind) for test in tests)


def is_text(kind):
    return is_any(kind, TEXTS)


def plain(array):
    """Encodings undone: dictionaries, runs, views, extension types."""
    kind = array.type
    if kind.id in NUMBERS or kind.id == VECTORS:  # most are
        return array
    if isinstance(array, pyarrow.ExtensionArray):
        return plain(array.storage)
    if types.is_dictionary(kind):
        return plain(_plain_values(array).dictionary_decode())
    if types.is_run_end_encoded(kind):
        return plain(pyarrow.compute.run_end_decode(array))
    if types.is_string_view(kind) or types.is_string(kind):
        return array.cast(pyarrow.large_string())
    if types.is_binary_view(kind) or types.is_binary(kind):
        return array.cast(pyarrow.large_binary())
    if types.is_list(kind):
        return array.cast(pyarrow.large_list(kind.value_field))
    if types.is_list_view(kind) or types.is_large_list_view(kind):
        return _list_of_views(array)
    return array


def _plain_values(array):
    """A dictionary whose values pyarrow can decode: it has no way to do so with views."""
    if not is_any(array.type.value_type, (types.is_string_view, types.is_binary_view)):
        return array
    return pyarrow.DictionaryArray.from_arrays(array.indices, plain(array.dictionary))


def _list_of_views(array):
    """By hand: pyarrow's cast gets the last offset wrong."""
    lengths = array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    ends = numpy.cumsum(lengths, dtype=numpy.int64)
    offsets = pyarrow.array(numpy.concatenate(([0], ends)).astype(numpy.int64))
    kind = pyarrow.large_list(array.type.value_field)
    mask = array.is_null() if array.null_count else None
    return pyarrow.LargeListArray.from_arrays(offsets, array.flatten(), type=kind, mask=mask)


def elements(array):
    """The values of fixed-size lists, those of null lists among them."""
    size = array.type.list_size
    return array.values.slice(array.offset * size, len(array) * size)


def refine(field, chunks):
    """The field as `plain` has it, nullable (and so within) only where one of the chunks has a
    null. No values are read: a dictionary's are asked for nulls only where it has some."""
    chunks = [_stored(chunk) for chunk in chunks]
    kind = chunks[0].type if chunks else field.type
    nullable = any(_has_nulls(chunk) for chunk in chunks)
    if types.is_dictionary(kind):
        within = refine(field.with_type(kind.value_type), [chunk.dictionary for chunk in chunks])
        kind = within.type
    elif types.is_run_end_encoded(kind):
        within = refine(field.with_type(kind.value_type), [_run_values(chunk) for chunk in chunks])
        kind, nullable = within.type, within.nullable
    elif types.is_struct(kind):
        fields = [
            refine(inner, [chunk.field(place) for chunk in chunks])
            for place, inner in enumerate(kind)
        ]
        kind = pyarrow.struct(fields)
    elif types.is_fixed_size_list(kind):
        inner = refine(kind.value_field, [elements(chunk) for chunk in chunks])
        kind = pyarrow.list_(inner, kind.list_size)
    elif is_any(kind, LISTS):
        kind = pyarrow.large_list(refine(kind.value_field, [_items(chunk) for chunk in chunks]))
    return pyarrow.field(field.name, kind, nullable)


def assumed(field, has_nulls):
    """The field as refine has it, where no chunks are there to be asked: without nulls where that
    is known, else nullable where the schema says so."""
    if has_nulls is False:
        return refine(field, [pyarrow.array([], field.type)])
    kind = field.type
    while isinstance(kind, pyarrow.ExtensionType):
        kind = kind.storage_type
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return assumed(field.with_type(kind.value_type), has_nulls)
    if types.is_struct(kind):
        kind = pyarrow.struct([assumed(inner, has_nulls) for inner in kind])
    elif types.is_fixed_size_list(kind):
        kind = pyarrow.list_(assumed(kind.value_field, has_nulls), kind.list_size)
    elif is_any(kind, LISTS):
        kind = pyarrow.large_list(assumed(kind.value_field, has_nulls))
    return pyarrow.field(field.name, kind, field.nullable)


def _stored(array):
    while isinstance(array, pyarrow.ExtensionArray):
        array = array.storage
    return array


def _has_nulls(array):
    if array.null_count or not types.is_dictionary(array.type):
        return array.null_count > 0
    nulls = numpy.flatnonzero(array.dictionary.is_null()) if array.dictionary.null_count else ()
    return any(pyarrow.compute.index(array.indices, null).as_py() >= 0 for null in nulls)


def _run_values(array):
    return array.values.slice(array.find_physical_offset(), array.find_physical_length())


def _items(array):
    """The values of lists. Those of null lists, and of no list, count only where they are no
    nulls, so that nothing is copied where there are none."""
    if types.is_list(array.type) or types.is_large_list(array.type):
        if not array.null_count and len(array):
            first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
            return array.values.slice(first, last - first)
    # A nested null is not in the null count.
    if array.values.null_count or types.is_nested(array.type.value_type):
        return array.flatten()
    return array.values
