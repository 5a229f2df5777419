# SPDX-License-Identifier: Apache-2.0
"""Permutations: a table's rows in some order, given in batches of some format."""

import operator

import numpy
import pyarrow

from ._check import clump_of, seed_of, whole
from .columns import Columns
from .documents import Documents
from .formats import FORMATS, TENSORS
from .locality import shuffled
from .mixture import mix
from .packing import PackedBlocks
from .permutation_table import as_permutation_table
from .rows import AllRows, RepeatedRows, Window
from .table import as_table
from .weighted import WeightedRows, sums_of, weights_in

BATCH_SIZE = 100


class Permutation:
    """Rows of a table, or of one of its splits; nothing is read before it is asked for.

    Methods named with_..., and all that choose rows or columns, return a new Permutation. It can be
    pickled (with the table's path, or its data), and any number of threads, forked children and
    DataLoader workers may read it at once.
    """

    def __init__(self, table, rows, columns=None):
        self._table = table
        self._rows = rows
        self._columns = columns or Columns.all(table)
        self._batch_size = BATCH_SIZE
        self._format, self._is_chosen = "python", False
        self._functions = ()
        self._limits = len(rows), False

    def _with(self, **changes):
        made = Permutation.__new__(Permutation)
        made.__dict__.update(self.__dict__)
        made.__dict__.update({f"_{name}": value for name, value in changes.items()})
        return made

    @classmethod
    def identity(cls, table):
        """All rows of a table, in its order. ValueError where it has none."""
        table = as_table(table)
        if not len(table):
            raise ValueError("the table has no rows")
        return cls(table, AllRows(len(table)))

    @classmethod
    def from_tables(cls, base_table, permutation_table=None, split=None):
        """A split, by name or number (None: 0), of a permutation table: a PermutationTable, or a
        table with columns row_id and split_id, as LanceDB's. Without one: identity.

        ValueError: the split is not there, or has no rows; a row_id is no row of the base table,
        as LanceDB's of tables of several fragments.
        """
        if permutation_table is None:
            if split not in (None, 0):
                raise ValueError(
                    f"Cannot create a permutation on split `{split}` because no permutation table"
                    " is provided"
                )
            return cls.identity(base_table)
        found = as_permutation_table(permutation_table)
        if isinstance(split, str):
            said = f"Cannot create a permutation on split `{split}` because"
            if not found.split_names:
                raise ValueError(f"{said} no split names are defined in the permutation table")
            if split not in found.split_names:
                raise ValueError(f"{said} split `{split}` is not defined in the permutation table")
            split = found.split_names.index(split)
        try:
            split = operator.index(0 if split is None else split)
        except TypeError:
            raise TypeError(f"Invalid split: {split}") from None
        table = as_table(base_table)
        return cls(table, found.rows(split).of_table(len(table)))

    @classmethod
    def mixture(cls, sources, seed=0, stop="first"):
        """Rows of several sources, {name: (permutation or table, weight)}, in exact proportions.

        Of each 1,024 rows every source has its part, each time the same; which ones is shuffled
        anew each time. Each source's rows come in its own order; when all have come, they begin
        again, shuffled anew where they are shuffled. An epoch ends, by `stop`: "first", before a
        row would come twice; "all", when all rows have come; or after so many rows. Nothing is
        copied; the sources' columns count, not their formats. Not in LanceDB.

        ValueError: columns that differ, a weight that is not above 0 or gives not one row in 1,024,
        a source without rows.
        """
        if not hasattr(sources, "items") or not sources:
            raise ValueError("sources must be {name: (permutation or table, weight)}, one at least")
        parts = {}
        for name, (source, weight) in sources.items():
            found = source if isinstance(source, Permutation) else cls.identity(source)
            parts[name] = found._columns, found._rows, weight
        return cls(*mix(parts, seed_of(seed), stop))

    # What it is

    @property
    def schema(self):
        """The pyarrow.Schema of a batch, before its format."""
        return self._columns.schema

    @property
    def column_names(self):
        return self.schema.names

    @property
    def num_columns(self):
        return len(self.schema)

    @property
    def num_rows(self):
        return len(self._rows)

    @property
    def shape(self):
        """(num_rows, num_columns)"""
        return self.num_rows, self.num_columns

    def __len__(self):
        return len(self._rows)

    def __repr__(self):
        return f"<Permutation of {len(self)} rows: {', '.join(self.column_names)}; {self._format}>"

    # Columns

    def select_columns(self, columns):
        """Only these, in this order; "a.b" is a field of a struct column (LanceDB takes none), and
        "_rowid" the number of the row in the table."""
        return self._with(columns=self._columns.chosen(columns))

    def select(self, columns):
        """{name: SQL}: only these columns. An expression is evaluated now, for the whole table;
        a column, or a struct's field, is not copied. Not public in LanceDB."""
        return self._with(columns=self._columns.selected(columns))

    def remove_columns(self, columns):
        """All but these; those that do not exist are ignored."""
        return self._with(columns=self._columns.without(columns))

    def rename_column(self, old_name, new_name):
        """The renamed column comes last, as in LanceDB."""
        return self._with(columns=self._columns.renamed({old_name: new_name}))

    def rename_columns(self, column_map):
        """{old name: new name}, one after the other."""
        return self._with(columns=self._columns.renamed(column_map))

    def flatten(self):
        """Each struct column's fields as columns of their own, "a.b". Not done in LanceDB."""
        return self._with(columns=self._columns.flat())

    # Rows

    def with_skip(self, skip):
        """Without the first rows: of those that are left, where there was a skip or take before
        (LanceDB forgets the earlier one)."""
        return self._window(skip, None)

    def with_take(self, limit):
        """Only the first rows: of those that are left, as with_skip."""
        return self._window(0, limit)

    def _window(self, skip, limit):
        left, (whole_rows, skipped) = len(self._rows), self._limits
        skip = whole("skip", skip)
        limit = left - skip if limit is None else whole("limit", limit)
        if skip > left:
            said = "Offset"
        elif limit > left - skip:
            said = "Offset + limit" if skipped and limit <= whole_rows else "Limit"
        else:
            rows = Window(self._rows, skip, limit)
            return self._with(rows=rows, limits=(whole_rows, skipped or skip > 0))
        raise ValueError(f"{said} is greater than the number of rows in the permutation table")

    def with_repeat(self, times):
        """The same rows, in the same order, so many times. Not done in LanceDB."""
        return self._of(RepeatedRows(self._rows, whole("times", times)))

    def shuffle(self, seed=None, *, epoch=0, clump_size=None, shard=None, window=None):
        """These rows in random order (as the builder's shuffle), of this epoch. Takes no memory
        from 65,536 rows on. Not in LanceDB.

        For tables on disk, whose near rows should be read together: `shard` neighbours stay
        together, in their order, as with clump_size; `window` rows after that are shuffled among
        themselves, and the next ones among themselves (in clumps of clump_size, of which shard and
        window are multiples). With both, a batch reads from some window / shard shards.
        `mixing(permutation)` measures what it does to the order.
        """
        epoch, clump_size = whole("epoch", epoch), clump_of(clump_size)
        return self._of(shuffled(self._rows, seed_of(seed), epoch, clump_size, shard, window))

    def weighted(self, weights, rows=None, *, seed=0, epoch=0):
        """Rows drawn at random with replacement, each as often as its weight says. Not in LanceDB.

        weights: one for each of these rows as they are now, or the name of a column; 0: never.
        rows: how many are drawn, None: as many as there are. Another epoch draws anew. Takes 8
        bytes for each weight. ValueError: a weight that is null, NaN, infinite or negative, naming
        its row; no weight but 0; TypeError for what are no numbers.
        """
        if isinstance(weights, str):
            of_one = self.select_columns([weights])._with(format="arrow", functions=())
            weights = weights_in(of_one.iter(65536), weights)
        rows = len(self) if rows is None else whole("rows", rows)
        sums, epoch = sums_of(weights, len(self)), whole("epoch", epoch)
        return self._of(WeightedRows(self._rows, sums, rows, seed_of(seed), epoch))

    def packed(self, column, sequence_length, *, eos_id=None, pad_id=0, window=1024, dtype=None):
        """The documents of a column in blocks of one length: PackedBlocks. Not in LanceDB.

        The column has lists of integers, or texts or binary, which are bytes. dtype: of the tokens;
        None: the column's, uint8 for bytes. TypeError for another column; ValueError for a column
        that is not there, nulls within lists, an id that the type of the tokens does not hold.
        """
        documents = Documents(self._columns.chosen([column]))
        rows = self._rows
        return PackedBlocks(rows, documents, sequence_length, eos_id, pad_id, window, dtype)

    def _of(self, rows):
        return self._with(rows=rows, limits=(len(rows), False))

    def set_epoch(self, epoch):
        """Shuffles anew, in place, what is shuffled, the same way for the same epoch; 0 at first.

        A DataLoader's workers see it from its next iteration on, but not with persistent_workers.
        """
        self._rows = self._rows.with_epoch(whole("epoch", epoch))

    skip, take, repeat = with_skip, with_take, with_repeat

    # What a batch is

    def with_batch_size(self, batch_size):
        """The rows of a batch of `for batch in permutation`; 100 at first."""
        return self._with(batch_size=whole("batch_size", batch_size, 1))

    def with_format(self, format):
        """What a batch is given as; for n rows:

        - "python" (the first): a list of n dicts; "python_col": a dict of lists
        - "numpy": an array (n, columns), of the columns' common type, or of objects
        - "pandas", "polars": a DataFrame; "arrow": a pyarrow.RecordBatch
        - "tensor" (not in LanceDB): a dict of tensors, see to_tensor; the fastest
        - "torch": a list of n dicts of tensors of one row, texts being str
        - "torch_row": a list of n tensors (width,); "torch_col": a tensor (width, n). Of one type;
          a fixed-size list is as wide as it is long, null is NaN.
        """
        if format not in FORMATS:
            raise ValueError(f"Invalid format: {format}")
        return self._with(format=format, is_chosen=True, functions=())

    def with_transform(self, transform):
        """A batch is what transform(pyarrow.RecordBatch) gives: in place of a format."""
        if not callable(transform):
            raise TypeError(f"transform must be callable, not {type(transform).__name__}")
        return self._with(format="arrow", is_chosen=True, functions=(transform,))

    def map(self, function):
        """A batch is what function(batch) gives, after the format or transform and earlier maps.
        Not in LanceDB."""
        if not callable(function):
            raise TypeError(f"function must be callable, not {type(function).__name__}")
        return self._with(is_chosen=True, functions=self._functions + (function,))

    def _batch(self, row_ids):
        fields = self._columns.fields() if self._format in TENSORS else None
        batch = FORMATS[self._format](self._columns.take(row_ids), fields)
        for function in self._functions:
            batch = function(batch)
        return batch

    # Reading

    def __iter__(self):
        """Batches of with_batch_size rows; as in LanceDB, a short last one is left out."""
        return self.iter(self._batch_size, skip_last_batch=True)

    def iter(self, batch_size, skip_last_batch=False):
        """Batches of so many rows; the last may be short, or is left out."""
        return self._iterate(whole("batch_size", batch_size, 1), skip_last_batch)

    def _iterate(self, size, skip_last_batch):
        rows = self._rows  # one epoch's, whatever set_epoch says meanwhile
        end = len(rows) - len(rows) % size if skip_last_batch else len(rows)
        for first in range(0, end, size):
            yield self._batch(rows.read(first, min(size, end - first)))

    def take_offsets(self, offsets):
        """A batch of the rows at these offsets, in this order. IndexError for one that is not in
        [0, num_rows) (LanceDB's identity leaves it out)."""
        return self._batch(self._rows.at(self._offsets(offsets)))

    def _offsets(self, offsets):
        found = numpy.asarray(offsets)
        if found.ndim != 1 or (len(found) and found.dtype.kind not in "iu"):
            raise TypeError(f"offsets must be a list of ints, not {offsets!r:.80}")
        wrong = found[(found < 0) | (found >= len(self._rows))]
        if len(wrong):
            raise IndexError(f"offset {wrong[0]} is out of range for {len(self._rows)} rows")
        return found.astype(numpy.int64)

    def __getitem__(self, index):
        """A batch of one row."""
        return self.take_offsets([operator.index(index)])

    __getitems__ = take_offsets  # what torch's DataLoader calls, once for a batch

    def unique(self, column="_rowid"):
        """The different values of a column, as a list, in the order of their first row. Not done in
        LanceDB."""
        of_one = self.select_columns([column])._with(format="arrow", functions=())
        chunks = [batch.column(0) for batch in of_one.iter(65536)]
        kind = of_one.schema.field(0).type
        return pyarrow.chunked_array(chunks, kind).unique().to_pylist()
