# SPDX-License-Identifier: Apache-2.0
"""Columns: which of a table's are in a batch, under which names."""

import pyarrow

from ._check import texts
from .table import ROW_ID

ROW_IDS = -1  # in place of a column's number


class Columns:
    """Names, and the number of the table's column behind each. It never changes."""

    def __init__(self, table, numbers):
        self._table = table
        self._numbers = numbers
        self._refined = None
        fields = [
            (
                pyarrow.field(name, pyarrow.uint64())
                if number == ROW_IDS
                else table.schema.field(number).with_name(name)
            )
            for name, number in numbers.items()
        ]
        self.schema = pyarrow.schema(fields)
        taken = [name for name, number in numbers.items() if number != ROW_IDS]
        self._taken = [numbers[name] for name in taken]
        self._schema_taken = pyarrow.schema([self.schema.field(name) for name in taken])

    @classmethod
    def all(cls, table):
        numbers = {}
        for number, name in enumerate(table.schema.names):
            if name in numbers:
                raise ValueError(f"the table has two columns called `{name}`")
            numbers[name] = number
        return cls(table, numbers)

    def __reduce__(self):
        return Columns, (self._table, self._numbers)

    @property
    def table(self):
        return self._table

    def numbers(self):
        """Those of the table's columns that have to be taken."""
        return self._taken

    @property
    def schema_taken(self):
        """Of a RecordBatch of numbers()."""
        return self._schema_taken

    def assemble(self, row_ids, taken):
        """A RecordBatch of what was taken of numbers(), a RecordBatch, and of the row ids."""
        if len(self._taken) == len(self._numbers):
            return taken
        columns = iter(taken.columns if taken is not None else ())
        columns = [
            pyarrow.array(row_ids) if number == ROW_IDS else next(columns)
            for number in self._numbers.values()
        ]
        return pyarrow.RecordBatch.from_arrays(columns, schema=self.schema)

    def take_numbers(self, row_ids):
        """What assemble is to be given."""
        if not self._taken:
            return None
        return self._table.take(row_ids, self._taken, self._schema_taken)

    def take(self, row_ids):
        return self.assemble(row_ids, self.take_numbers(row_ids))

    def fields(self):
        """Nullable only where there is a null in the table."""
        if self._refined is None:
            self._refined = self._fields_now()
        return self._refined

    def _fields_now(self):
        return [
            (
                self.schema.field(name).with_nullable(False)
                if number == ROW_IDS
                else self._table.field(number).with_name(name)
            )
            for name, number in self._numbers.items()
        ]

    def _number(self, name):
        if name in self._numbers:
            return self._numbers[name]
        if name == ROW_ID:
            return ROW_IDS
        return None

    def _nested(self, name):
        """The struct's field in the table that "a.b" means here, "a" being a column of ours."""
        first, _, rest = name.partition(".")
        number = self._numbers.get(first, ROW_IDS)
        if number == ROW_IDS or not rest:
            return None
        path = f"{self._table.schema.field(number).name}.{rest}"
        return None if self._table.nested(path) is None else path

    def chosen(self, names):
        numbers, nested = {}, {}
        for name in texts("columns", names):
            numbers[name] = self._number(name)
            if numbers[name] is None:
                nested[name] = self._nested(name)
                if nested[name] is None:
                    raise ValueError(f"Cannot select column `{name}` because it does not exist")
        if not numbers:
            raise ValueError("Must select at least one column")
        return self._with(numbers, nested)

    def selected(self, expressions):
        """{name: SQL over the columns of the table}"""
        if not hasattr(expressions, "items"):
            raise TypeError(f"columns must be a dict of SQL, not {type(expressions).__name__}")
        texts("columns", list(expressions) + list(expressions.values()))
        numbers, asked = {}, {}
        for name, sql in expressions.items():
            if name == ROW_ID and sql != ROW_ID:
                raise ValueError(f"Dynamic column {name} cannot be used to select {sql}")
            place = self._table.schema.get_field_index(sql)
            numbers[name] = ROW_IDS if sql == ROW_ID else place if place >= 0 else None
            if numbers[name] is None:
                asked[name] = sql
        if not numbers:
            raise ValueError("Must select at least one column")
        return self._with(numbers, asked)

    def _with(self, numbers, expressions):
        """Numbers that are None are columns still to be made."""
        if not expressions:
            return Columns(self._table, numbers)
        # Under a name of their own in the table, so that they hide nothing from later SQL.
        first, hidden = len(self._table.schema), {}
        for place, (name, sql) in enumerate(expressions.items()):
            own = f"({sql})"
            while own in self._table.schema.names or own in hidden:
                own = f"({own})"
            hidden[own] = sql
            numbers[name] = first + place
        return Columns(self._table.with_expressions(hidden), numbers)

    def without(self, names):
        names = {names} if isinstance(names, str) else set(texts("columns", names))
        left = {name: number for name, number in self._numbers.items() if name not in names}
        if not left:
            raise ValueError("Cannot remove all columns")
        return Columns(self._table, left)

    def renamed(self, names):
        numbers = dict(self._numbers)
        for old, new in names.items():
            said = f"Cannot rename column `{old}`"
            if old not in numbers:
                raise ValueError(f"{said} because it does not exist")
            if new in numbers:
                raise ValueError(
                    f"{said} to `{new}` because a column with that name already exists"
                )
            numbers[new] = numbers.pop(old)
        return Columns(self._table, numbers)

    def flat(self):
        names, structs = list(self._numbers), True
        while structs:
            structs, found = False, []
            for name in names:
                fields = self._fields_of(name)
                structs = structs or bool(fields)
                found += [f"{name}.{field}" for field in fields] or [name]
            names = found
        return self.chosen(names)

    def _fields_of(self, name):
        first, *others = name.split(".") if name not in self._numbers else [name]
        kind = self.schema.field(first).type
        for part in others:
            kind = kind.field(part).type
        return [field.name for field in kind] if pyarrow.types.is_struct(kind) else []
