# SPDX-License-Identifier: Apache-2.0
"""Joined tables: those of several sources, one behind the other, in the memory that they have."""

import numpy
import pyarrow

from .columns import ROW_IDS
from .table import Table


class JoinedTable(Table):
    """columns: {name of a source: Columns}. Nothing is copied; pickled is what the sources pickle.

    `bases` are the numbers of the sources' first rows. The columns are in the first source's order.
    Raises ValueError, naming them, for columns that not all sources have in one type.
    """

    def __init__(self, columns):
        self._columns = columns
        arrows = {name: arrow_of(part) for name, part in columns.items()}
        first = _common(arrows)
        ends = numpy.cumsum([arrow.num_rows for arrow in arrows.values()]).tolist()
        self.bases = [0] + ends[:-1]
        joined = {
            field.name: pyarrow.chunked_array(
                [chunk for arrow in arrows.values() for chunk in arrow.column(field.name).chunks],
                field.type,
            )
            for field in first
        }
        self._set(pyarrow.table(joined))

    def __reduce__(self):
        return JoinedTable, (self._columns,)

    def check_files(self):
        for part in self._columns.values():
            part.table.check_files()

    def read_ahead(self):
        for part in self._columns.values():
            part.table.read_ahead()


def arrow_of(columns):
    """Columns under their names: a pyarrow.Table in the memory of their table."""
    arrow, found = columns._table.to_arrow(), {}
    for name, number in columns._numbers.items():
        if number == ROW_IDS:
            found[name] = pyarrow.array(numpy.arange(arrow.num_rows, dtype=numpy.uint64))
        else:
            found[name] = arrow.column(number)
    return pyarrow.table(found)


def _common(arrows):
    """The schema of the first; ValueError where another one has other columns or types."""
    (first, arrow), *others = arrows.items()
    wrong = []
    for name, other in others:
        mine, its = (dict(zip(found.schema.names, found.schema.types)) for found in (arrow, other))
        wrong += [f"`{column}` is in `{first}`, not in `{name}`" for column in mine.keys() - its]
        wrong += [f"`{column}` is in `{name}`, not in `{first}`" for column in its.keys() - mine]
        wrong += [
            f"`{column}` is of {kind} in `{first}`, of {its[column]} in `{name}`"
            for column, kind in mine.items()
            if its.get(column, kind) != kind
        ]
    if wrong:
        raise ValueError(f"the columns of the sources differ: {'; '.join(sorted(wrong))}")
    return arrow.schema
