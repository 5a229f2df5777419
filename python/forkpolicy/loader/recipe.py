# SPDX-License-Identifier: Apache-2.0
"""Recipes: what the batches of a Loader are made of, and how."""

import numpy

from ._check import whole
from .permutation import Permutation
from .table import Table
from .token import fingerprint, probe, probes
from .transform import Transform, check_on_error
from .units import BlockUnits, Formatted, RowUnits


def read(source, columns, format):
    """A Permutation of any source, in tensors where no format was chosen."""
    found = source if isinstance(source, Permutation) else Permutation.identity(source)
    if not found._is_chosen:
        found = found.with_format("tensor")
    if columns is not None:
        found = found.select_columns(columns)
    return found if format is None else found.with_format(format)


def ordered(permutation, shuffle, seed, order):
    """order: {name: value} of Permutation.shuffle's other arguments."""
    if shuffle:
        if all(value is None for value in order.values()):
            order = {**order, **permutation._table.locality}
        return permutation.shuffle(whole("seed", seed), **order)
    if any(value is not None for value in order.values()):
        raise ValueError(f"{', '.join(order)}: without shuffle there is nothing to shuffle")
    return permutation


def packing_of(column, sequence_length, **options):
    """The arguments of Permutation.packed; None: nothing is packed."""
    if column is not None:
        length = whole("sequence_length", sequence_length, 1)
        return {"column": column, "sequence_length": length, **options}
    if sequence_length is not None:
        raise ValueError("sequence_length: without pack_sequences there are no blocks")
    return None


def units_of(permutation, transform, on_error, packing):
    """The permutation's rows, or blocks of them, with its format and functions."""
    if transform is not None and not callable(transform):
        raise TypeError(f"transform must be callable, not {type(transform).__name__}")
    functions = permutation._functions + (() if transform is None else (transform,))
    columns, format = permutation._columns, permutation._format
    if packing is None:
        transform = Transform(Formatted(format, columns), functions, on_error)
        return RowUnits(permutation._rows, columns, transform)
    if check_on_error(on_error) != "raise":
        raise ValueError("on_error: blocks have no rows of their own to be left out")
    return BlockUnits(permutation.packed(**packing), format in ("tensor", "torch"), functions)


def fingerprint_of(permutation, packing):
    """Of the source, the order and the packing: what a token is checked against."""
    columns = [[field.name, str(field.type)] for field in permutation.schema]
    source = {
        "rows": len(permutation._columns.table),
        "columns": columns,
        "values": sample(permutation._columns),
        "identity": permutation._columns.table.identity,
    }
    return fingerprint(source, probe(permutation._rows), packing)


def sample(columns):
    """Hashes of the values of 64 rows of the table, from its first row to its last one: so that
    another content of the same shape, or what another SELECT computed, is told apart."""
    places = probes(len(columns.table))
    taken = columns.take(numpy.array(places, numpy.uint64))
    if not places or not taken.num_columns:
        return []
    return Table(taken).hashes(taken.schema.names).tolist()
