# SPDX-License-Identifier: Apache-2.0
"""Functions over batches, and what becomes of rows that they fail on."""

import warnings

import pyarrow

ON_ERROR = ("raise", "skip", "warn")


def check_on_error(on_error):
    if not callable(on_error) and on_error not in ON_ERROR:
        raise ValueError(f"on_error must be {', '.join(ON_ERROR)} or a function, not {on_error!r}")
    return on_error


def length_of(batch):
    """How many rows a batch has, whatever it is; None: it does not say."""
    if isinstance(batch, (pyarrow.RecordBatch, pyarrow.Table)):
        return batch.num_rows
    if isinstance(batch, dict):
        lengths = [length_of(value) for value in batch.values()]
        return next((length for length in lengths if length is not None), None)
    if hasattr(batch, "shape"):
        return batch.shape[0] if len(batch.shape) else None
    if isinstance(batch, (list, bytes)):
        return len(batch)
    return None


def apply(functions, batch):
    """A StopIteration of theirs would end the loop over the batches."""
    try:
        for function in functions:
            batch = function(batch)
    except StopIteration as error:
        raise RuntimeError("the transform raised StopIteration") from error
    return batch


class Transform:
    """What a batch becomes: `make(record_batch)`, which gives the rows that were left out, too.

    format: from a RecordBatch to what functions[0] gets. on_error: "raise"; or "skip" the rows that
    the functions fail on, found one by one, and do the others again; "warn": the same, and a
    warning for each; or a function (error, row) to be called for each, row being its place.
    """

    def __init__(self, format, functions, on_error="raise"):
        self._format = format
        self._rows_first = getattr(format, "rows_first", True)
        self._functions = functions
        self._on_error = check_on_error(on_error)

    @property
    def is_plain(self):
        """Is it the format alone?"""
        return not self._functions

    def make(self, taken):
        """(the batch, how many rows were left out). ValueError: it has not as many as it should."""
        if self.is_plain or self._on_error == "raise":
            return self._of(taken), 0
        try:
            return self._of(taken), 0
        except Exception as error:
            return self._of_the_good(taken, error)

    def _of(self, taken):
        batch = apply(self._functions, self._format(taken))
        length = length_of(batch) if self._functions and self._rows_first else None
        if length is not None and length != taken.num_rows:
            raise ValueError(f"the transform gave {length} rows for {taken.num_rows}")
        return batch

    def _of_the_good(self, taken, first):
        good = []
        for row in range(taken.num_rows):
            try:
                self._of(taken.slice(row, 1))
                good.append(row)
            except Exception as error:
                self._tell(error, row)
        if not good:
            return self._of_none(taken, first), taken.num_rows
        return self._of(taken.take(pyarrow.array(good))), taken.num_rows - len(good)

    def _of_none(self, taken, first):
        """Other ranks have rows in this step: a batch of no rows, where the functions make one."""
        try:
            return self._of(taken.slice(0, 0))
        except Exception:
            raise ValueError(f"the transform failed on all {taken.num_rows} rows") from first

    def _tell(self, error, row):
        if callable(self._on_error):
            apply((lambda _: self._on_error(error, row),), None)
        elif self._on_error == "warn":
            said = f"row {row} of a batch is left out: {type(error).__name__}: {error}"
            warnings.warn(said, RuntimeWarning, stacklevel=2)
