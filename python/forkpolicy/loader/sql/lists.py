# SPDX-License-Identifier: Apache-2.0
"""Functions of lists. Elements count from 1 on; those that are not there are NULL."""

import numpy
import pyarrow
import pyarrow.compute as compute
import pyarrow.types as types

from ..encodings import plain
from .source import kind_of
from .values import INT, LIST, NotHere, Value, condition, literal_of, rows_only


def _lists(value):
    if value.kind != LIST:
        raise NotHere(f"a list is needed, and this is {value.kind}")
    return value.get


def length(value):
    get = _lists(value)
    return Value(
        INT, lambda columns: compute.cast(compute.list_value_length(get(columns)), pyarrow.int64()),
        pyarrow.int64(),
    )  # fmt: skip


def element(value, place):
    """value[place]; sqlglot gives the place from 0 on."""
    get, place = _lists(value), literal_of(place, INT, "a place in a list")
    if place < 0:
        raise NotHere("a place from the end of a list")
    kind, arrow, cast = kind_of(value.arrow.value_type)

    def at(columns):
        found = get(columns)
        rows_only(found)
        found = plain(found)
        if not types.is_fixed_size_list(found.type):
            long = compute.greater(compute.list_value_length(found), place)
            if not compute.all(compute.fill_null(long, False)).as_py():
                return _where_long(found, place, long, cast)
        elif place >= found.type.list_size:
            return pyarrow.nulls(len(found), found.type.value_type)
        found = compute.list_element(found, place)
        return cast(found) if cast else found

    return Value(kind, at, arrow, is_nan=kind == "REAL")


def _where_long(found, place, long, cast):
    rows = compute.indices_nonzero(compute.fill_null(long, False))
    values = compute.list_element(found.take(rows), place)
    numbers = numpy.full(len(found), -1, numpy.int64)
    numbers[rows.to_numpy()] = numpy.arange(len(rows))
    places = pyarrow.array(numbers, mask=numbers < 0)
    made = values.take(places)
    return cast(made) if cast else made


def contains(value, options, all_of_them=False):
    """array_has, array_has_any, array_has_all: of literals."""
    get, wanted = _lists(value), [option.literal for option in options]
    if any(one is None for one in wanted):
        raise NotHere("elements that are no literals")

    def found_in(columns):
        lists = get(columns)
        rows_only(lists)
        lists = plain(lists)
        try:
            sought = pyarrow.array(wanted, lists.type.value_type)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError) as error:
            raise NotHere(f"elements of another type: {error}") from None
        parents = compute.list_parent_indices(lists).to_numpy()
        values = plain(compute.list_flatten(lists))
        made = numpy.full(len(lists), all_of_them)
        for number in range(len(sought) if all_of_them else 1):
            some = sought.slice(number, 1) if all_of_them else sought
            is_there = compute.is_in(values, some.cast(values.type)).to_numpy(zero_copy_only=False)
            has = numpy.zeros(len(lists), bool)
            has[parents[is_there.astype(bool)]] = True
            made = made & has if all_of_them else has
        mask = lists.is_null().to_numpy(zero_copy_only=False)
        return pyarrow.array(made, pyarrow.bool_(), mask=mask)

    return condition(found_in)
