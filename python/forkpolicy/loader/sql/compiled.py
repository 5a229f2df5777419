# SPDX-License-Identifier: Apache-2.0
"""Compiled expressions: which columns they read, and what they give for a batch of these."""

import importlib.util

import pyarrow
import pyarrow.compute as compute

from .source import Columns
from .values import BIG, BOOL, BYTES, INT, NULL, REAL, TEXT, NotHere


def is_there():
    return importlib.util.find_spec("sqlglot") is not None


def compiled(sql, schema):
    """A Compiled expression of the columns of a schema; NotHere: it is none, or another one's."""
    if not is_there():
        raise NotHere("sqlglot is not installed")
    from .parse import parsed
    from .translate import Translator

    tree, translator = parsed(sql), Translator(schema)
    try:
        value = translator.value(tree)
    except (pyarrow.ArrowException, RecursionError, OverflowError) as error:
        raise NotHere(str(error)) from error
    return Compiled(value, translator.roots, tree, schema)


RESULTS = {
    BOOL: pyarrow.bool_(), INT: pyarrow.int64(), REAL: pyarrow.float64(), TEXT: pyarrow.string(),
    BYTES: pyarrow.binary(), NULL: pyarrow.int64(),
}  # fmt: skip


class Compiled:
    def __init__(self, value, roots, tree, schema):
        self._value = value
        self._tree, self._schema = tree, schema
        self.columns = [name for name in schema.names if name in roots]

    @property
    def kind(self):
        return self._value.kind

    @property
    def is_condition(self):
        return self._value.kind in (BOOL, NULL)

    @property
    def is_time(self):
        return self._value.kind in ("DATE", "STAMP", "TIME")

    @property
    def result(self):
        """The Arrow type of evaluate()."""
        if self._value.kind == BIG:
            raise NotHere("a result of uint64")
        if self._value.kind in RESULTS:
            return RESULTS[self._value.kind]
        if self._value.kind in ("DATE", "STAMP", "TIME") and not self._value.is_literal:
            return self._value.arrow
        raise NotHere(f"a result of {self._value.kind}")

    def _get(self, batch):
        try:
            return self._value.get(Columns(batch.column))
        except pyarrow.ArrowException as error:
            raise NotHere(str(error)) from error

    def mask(self, batch):
        """True where the condition holds, false or null elsewhere: a BooleanArray."""
        found = self._get(batch)
        if isinstance(found, pyarrow.Scalar):
            return pyarrow.repeat(pyarrow.scalar(bool(found.as_py())), batch.num_rows)
        return found

    def evaluate(self, batch):
        """The value for each row: an Array of `result`."""
        found = self._get(batch)
        if isinstance(found, pyarrow.Scalar):
            found = pyarrow.repeat(found, batch.num_rows)
        try:
            return found if found.type == self.result else found.cast(self.result)
        except pyarrow.ArrowException as error:
            raise NotHere(str(error)) from error

    def pushed(self):
        """An Expression of pyarrow that holds wherever the condition does, for statistics; None:
        there is none. It has those parts of an AND of which one can be made."""
        from .parse import conjuncts
        from .translate import Translator

        made = None
        for part in conjuncts(self._tree):
            try:
                value = Translator(self._schema).condition(part)
                one = value.get(Columns(compute.field))
                one = one if isinstance(one, compute.Expression) else None
            except (NotHere, TypeError, AttributeError, pyarrow.ArrowException):
                continue
            if one is not None:
                made = one if made is None else made & one
        return made
