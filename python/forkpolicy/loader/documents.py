# SPDX-License-Identifier: Apache-2.0
"""Documents: a column of lists of integers, or of texts or binary, as numbers in numpy arrays."""

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.types as types

from .encodings import LISTS, is_text
from .joined import arrow_of


class Documents:
    """columns: Columns of one column. kind: the numpy type of its numbers; of texts, and of binary,
    which are bytes, uint8. lengths: how many numbers each row of the table has, null being none.

    Raises TypeError for a column of something else, ValueError for nulls within lists.
    """

    def __init__(self, columns):
        self._columns = columns
        ((self._name, column),) = zip(columns.schema.names, arrow_of(columns).columns)
        self.kind = self._kind(column.type)
        lengths = [self._lengths(chunk) for chunk in column.chunks]
        self.lengths = numpy.concatenate([numpy.empty(0, numpy.int64), *lengths])

    def __reduce__(self):
        return Documents, (self._columns,)

    def _kind(self, kind):
        if types.is_dictionary(kind):
            kind = kind.value_type
        if is_text(kind) or types.is_fixed_size_binary(kind):
            return numpy.dtype(numpy.uint8)
        is_list = types.is_fixed_size_list(kind) or any(test(kind) for test in LISTS)
        if not is_list or not types.is_integer(kind.value_type):
            wanted = "lists of integers, texts or binary"
            raise TypeError(f"column `{self._name}` is of {kind}: only {wanted} can be packed")
        return numpy.dtype(kind.value_type.to_pandas_dtype())

    def _lengths(self, chunk):
        if _is_bytes(chunk.type):
            found = pyarrow.compute.binary_length(_bytes(chunk))
        else:
            if chunk.flatten().null_count:
                raise ValueError(f"column `{self._name}` has nulls within its lists")
            found = pyarrow.compute.list_value_length(chunk)
        return found.fill_null(0).to_numpy(zero_copy_only=False).astype(numpy.int64)

    def read(self, rows):
        """The numbers of these rows (a uint64 array), one behind the other."""
        if not len(rows):
            return numpy.empty(0, self.kind)
        return numbers_of(self._columns.take(rows).column(0))


def numbers_of(array):
    """The numbers of an Arrow array of documents, one behind the other; nulls have none."""
    if not _is_bytes(array.type):
        return array.flatten().to_numpy(zero_copy_only=False)
    array = _bytes(array)
    _, offsets, data = array.buffers()
    if data is None:
        return numpy.empty(0, numpy.uint8)
    offsets = numpy.frombuffer(offsets, numpy.int64)[array.offset :]
    return numpy.frombuffer(data, numpy.uint8)[offsets[0] : offsets[len(array)]]


def _is_bytes(kind):
    return is_text(kind) or types.is_dictionary(kind) or types.is_fixed_size_binary(kind)


def _bytes(array):
    """As large_binary in which nulls have no bytes."""
    if types.is_dictionary(array.type):
        array = array.dictionary_decode()
    array = array.cast(pyarrow.large_binary())
    return array.fill_null(b"") if array.null_count else array
