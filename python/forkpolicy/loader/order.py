# SPDX-License-Identifier: Apache-2.0
"""Orders: which rows are in which split, in which order. What is a formula takes no memory."""

import ctypes

import numpy
import pyarrow

from ._library import ArrowStream, Error, Handle, OrderOptions, SPLITS, Split, WORDS
from ._library import call, library, text, words

BY = {"ratios": 1, "counts": 2, "fixed": 3}


def split_sizes(by, value, rows):
    """The sizes of splits by "ratios" or "counts" (lists) or "fixed" (a number), of so many rows.

    LanceDB's: ratios are rounded half up, and what is over or under by rounding is taken from, or
    given to, the first splits; with `fixed` the remainder is dropped.
    """
    count = value if by == "fixed" else len(value)
    sizes = numpy.zeros(max(1, count if by != "fixed" else min(count, rows)), numpy.uint64)
    split = Split(by=BY[by], count=count)
    if by == "ratios":
        split.ratios = (ctypes.c_double * count)(*value)
    elif by == "counts":
        split.counts = (ctypes.c_uint64 * count)(*value)
    call("split_sizes", split, rows, words(sizes))
    return sizes


def any_positions(positions):
    """Positions (an int64 array) as the library takes them: uint64, one behind the other."""
    return numpy.ascontiguousarray(positions).astype(numpy.uint64)


class Order:
    """The rows of a table in splits. It does not change; `with_epoch` gives another.

    rows: how many the table has. selected: those that are left, ascending, or None. sizes: of
    consecutive splits; or split_of: the split of each selected row, of split_count, -1 for none.
    random and shuffle: None or (seed, clump_size). Pickled as these arguments.
    """

    def __init__(
        self, rows, selected=None, sizes=None, split_of=None, split_count=0, random=None,
        shuffle=None, epoch=0,
    ):  # fmt: skip
        self._arguments = rows, selected, sizes, split_of, split_count, random, shuffle, epoch
        options = OrderOptions(rows=rows, split_count=split_count)
        if selected is not None:
            options.selected = words(selected)
            options.selected_count = len(selected)
        if sizes is not None:
            options.sizes = ctypes.cast(words(sizes), WORDS)
            options.split_count = len(sizes)
        if split_of is not None:
            options.split_of = split_of.ctypes.data_as(SPLITS)
        if random is not None:
            options.is_random = True
            options.random_seed, options.random_clump_size = random
        if shuffle is not None:
            options.is_shuffled = True
            options.shuffle_seed, options.shuffle_clump_size = shuffle
        self._handle = Handle("order")
        call("order_new", self._handle.pointer, options)
        if epoch:
            call("order_set_epoch", self._handle.pointer, epoch)
        count = 1 if sizes is None and split_of is None else options.split_count
        self.sizes = [
            library.forkloader_order_rows(self._handle.pointer, split) for split in range(count)
        ]

    def __reduce__(self):
        return Order, self._arguments

    @property
    def rows(self):
        """Of the table."""
        return self._arguments[0]

    def with_epoch(self, epoch):
        """This order as it is in another epoch; itself where nothing is shuffled."""
        *others, shuffle, now = self._arguments
        return self if shuffle is None or epoch == now else Order(*others, shuffle, epoch)

    def read(self, split, first, count):
        """The row numbers at positions [first, first + count) of a split: a uint64 array."""
        found = numpy.empty(count, numpy.uint64)
        call("order_read", self._handle.pointer, split, first, count, found.ctypes.data)
        return found

    def at(self, split, positions):
        """The row numbers at any positions (an int64 array)."""
        found = any_positions(positions)
        error, address = Error(), found.ctypes.data
        at = library.forkloader_order_at
        if at(self._handle.pointer, split, address, len(found), address, error):
            raise IndexError(error.message.decode(errors="replace"))
        return found


    def to_reader(self, names=None):
        """A pyarrow.RecordBatchReader of (row_id, split_id), `names` being those of the splits."""
        stream = ArrowStream()
        if names is not None:
            names = (ctypes.c_char_p * max(1, len(names)))(*(text(name, "the name of a split") for name in names))
        call("order_export", self._handle.pointer, names, stream)
        return pyarrow.RecordBatchReader._import_from_c(ctypes.addressof(stream))


class Shuffle:
    """An order of [0, count), "perm v1": it takes no memory from 65,536 rows on."""

    def __init__(self, count, seed, epoch, clump_size):
        self._arguments = count, seed, epoch, clump_size
        self._handle = Handle("permutation")
        call("permutation_new", self._handle.pointer, count, seed, epoch, clump_size)

    def __reduce__(self):
        return Shuffle, self._arguments

    def with_epoch(self, epoch):
        count, seed, _, clump_size = self._arguments
        return Shuffle(count, seed, epoch, clump_size)

    def read(self, first, count):
        """What is at positions [first, first + count), which must exist: a uint64 array."""
        found = numpy.empty(count, numpy.uint64)
        read = library.forkloader_permutation_read
        read(self._handle.pointer, first, count, found.ctypes.data)
        return found

    def at(self, positions):
        """What is at any positions (an int64 array), which must exist."""
        found = any_positions(positions)
        address = found.ctypes.data
        library.forkloader_permutation_at(self._handle.pointer, address, len(found), address)
        return found
