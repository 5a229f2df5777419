# SPDX-License-Identifier: Apache-2.0
"""Packing: documents one behind the other in blocks of one length, by a schedule without state."""

import numpy

from ._check import whole
from .documents import Documents

SLAB = 1 << 20  # rows whose lengths are added up at once


class PackedBlocks:
    """Blocks of `sequence_length` tokens, made of one column of rows in the order of an epoch.

    The rows are taken in windows of `window`. The documents of a window, each followed by `eos_id`
    where that is given, are put one behind the other and cut into blocks; the rest of the last
    block is `pad_id`. So a block depends on the rows of one window, and any block can be made
    without those before it. Nulls are empty documents.

    Made by Permutation.packed. It takes 8 bytes a row of the table, and as many for each window.
    """

    def __init__(
        self, rows, documents, sequence_length, eos_id=None, pad_id=0, window=1024, dtype=None,
        ends=None,
    ):  # fmt: skip
        """dtype: of the tokens, None: the column's. ends: the blocks up to the end of each window,
        counted here where they are not given."""
        self._rows = rows
        self._documents = documents
        self._length = whole("sequence_length", sequence_length, 1, 1 << 31)
        self._window = whole("window", window, 1, 1 << 31)
        self._dtype = _kind(documents.kind, dtype)
        self._eos = None if eos_id is None else self._token("eos_id", eos_id)
        self._pad = self._token("pad_id", pad_id)
        self._ends = self._count() if ends is None else ends

    def _arguments(self):
        eos, pad = self._eos, self._pad
        return self._documents, self._length, eos, pad, self._window, self._dtype

    def __reduce__(self):
        return PackedBlocks, (self._rows, *self._arguments(), self._ends)

    def __len__(self):
        """The blocks of the epoch."""
        return int(self._ends[-1]) if len(self._ends) else 0

    @property
    def sequence_length(self):
        return self._length

    def with_epoch(self, epoch):
        """The blocks of another epoch, maybe more or fewer; itself where nothing is shuffled."""
        rows = self._rows.with_epoch(epoch)
        return self if rows is self._rows else PackedBlocks(rows, *self._arguments())

    def _token(self, name, value):
        ranges = numpy.iinfo(self._dtype)
        try:
            return whole(name, value, ranges.min, ranges.max + 1)
        except ValueError as error:
            raise ValueError(f"{error}: tokens are {self._dtype}") from None

    def _sizes(self, row_ids):
        """The tokens of each document, its eos included."""
        lengths = self._documents.lengths[row_ids.astype(numpy.int64)]
        return lengths + 1 if self._eos is not None else lengths

    def _count(self):
        """The blocks up to the end of each window: an int64 array."""
        count, slab = len(self._rows), max(1, SLAB // self._window) * self._window
        found = [numpy.empty(0, numpy.int64)]
        for first in range(0, count, slab):
            sizes = self._sizes(self._rows.read(first, min(slab, count - first)))
            tokens = numpy.add.reduceat(sizes, numpy.arange(0, len(sizes), self._window))
            found.append(-(-tokens // self._length))
        return numpy.cumsum(numpy.concatenate(found))

    def batch(self, positions):
        """The blocks at these positions, n ints: a dict of three arrays (n, sequence_length).

        - tokens: of `dtype`
        - segments, int32: the number of the token's document in its block, from 1 on; 0: padding
        - positions, int32: the token's place in its document, from 0 on, also where the document
          began in the block before; 0 in padding

        A document's eos belongs to it. IndexError for a position that is not there.
        """
        places = numpy.asarray(positions)
        if places.ndim != 1 or (len(places) and places.dtype.kind not in "iu"):
            raise TypeError(f"positions must be a list of ints, not {positions!r:.80}")
        places = places.astype(numpy.int64, copy=False)
        wrong = places[(places < 0) | (places >= len(self))]
        if len(wrong):
            raise IndexError(f"block {wrong[0]} is out of range for {len(self)} blocks")
        shape = len(places), self._length
        found = {
            "tokens": numpy.full(shape, self._pad, self._dtype),
            "segments": numpy.zeros(shape, numpy.int32),
            "positions": numpy.zeros(shape, numpy.int32),
        }
        windows = numpy.searchsorted(self._ends, places, side="right")
        # Blocks one after the other in one window are made together.
        begins = numpy.flatnonzero((numpy.diff(places) != 1) | (numpy.diff(windows) != 0)) + 1
        begins = [0, *begins.tolist(), len(places)] if len(places) else []
        for begin, end in zip(begins, begins[1:]):
            window = int(windows[begin])
            before = int(self._ends[window - 1]) if window else 0
            parts = {name: array[begin:end] for name, array in found.items()}
            self._fill(parts, window, int(places[begin]) - before)
        return found

    def _fill(self, parts, window, block):
        """Writes blocks of a window, from this one of it on, into arrays (blocks, length)."""
        first = window * self._window
        rows = self._rows.read(first, min(self._window, len(self._rows) - first))
        sizes = self._sizes(rows)
        rows, sizes = rows[sizes > 0], sizes[sizes > 0]
        ends = numpy.cumsum(sizes)
        begin = block * self._length
        end = min(begin + parts["tokens"].size, int(ends[-1]))
        # Only of the documents that begin before the end and end after the beginning.
        some = slice(
            int(numpy.searchsorted(ends, begin, side="right")),
            int(numpy.searchsorted(ends, end)) + 1,
        )
        rows, sizes, ends = rows[some], sizes[some], ends[some]
        starts = ends - sizes
        counts = numpy.minimum(ends, end) - numpy.maximum(starts, begin)
        document = numpy.repeat(numpy.arange(len(rows)), counts)
        position = numpy.arange(begin, end) - starts[document]

        def fill(name, values):
            parts[name].reshape(-1)[: end - begin] = values

        fill("positions", position)
        at_begin = document[:: self._length]  # of each block
        fill("segments", document - numpy.repeat(at_begin, self._length)[: end - begin] + 1)
        fill("tokens", self._tokens(rows, sizes)[begin - starts[0] : end - starts[0]])

    def _tokens(self, rows, sizes):
        """The tokens of whole documents."""
        values = self._documents.read(rows)
        if self._eos is None:
            return values
        places = numpy.cumsum(sizes) - 1
        found = numpy.empty(places[-1] + 1, self._dtype)
        is_value = numpy.ones(len(found), bool)
        is_value[places] = False
        found[is_value] = values
        found[places] = self._eos
        return found


def _kind(column, dtype):
    """The type of tokens; it must hold all numbers of the column's."""
    kind = column if dtype is None else numpy.dtype(dtype)
    if kind.kind not in "iu" or not numpy.can_cast(column, kind):
        raise ValueError(f"dtype {kind} does not hold all numbers of a column of {column}")
    return kind
