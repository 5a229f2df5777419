"""Rows, and files and objects that have them. SPDX-License-Identifier: Apache-2.0"""

import numpy
import pyarrow
import pyarrow.parquet
import torch

from forkpolicy.loader import Masked

ROWS = 2000


def rows(first=0, last=ROWS):
    ids = numpy.arange(first, last)
    return pyarrow.table(
        {
            "id": ids,
            "x": ids / 2,
            "s": pyarrow.array([f"t{row % 5}" if row % 7 else None for row in ids.tolist()]),
            "vec": pyarrow.FixedSizeListArray.from_arrays(numpy.repeat(ids, 3).astype("f4"), 3),
            "st": [{"a": row, "b": str(row)} for row in ids.tolist()],
        }
    )


WHOLE = rows()


class Own:
    """A source of a user's."""

    schema = WHOLE.schema

    def __init__(self):
        self.takes = 0

    def count_rows(self):
        return ROWS

    def take(self, numbers, columns):
        self.takes += 1
        taken = WHOLE.select(columns).take(pyarrow.array(numbers))
        return taken.combine_chunks().to_batches()[0] if len(numbers) else taken.to_batches()

    def fingerprint(self):
        return "rows v1"


class Items(torch.utils.data.Dataset):
    def __len__(self):
        return ROWS

    def __getitems__(self, numbers):
        return [{"id": row, "x": row / 2, "vec": torch.full((3,), float(row))} for row in numbers]


def parquet_files(folder, files=4):
    size = ROWS // files
    for number in range(files):
        part = rows(number * size, (number + 1) * size)
        pyarrow.parquet.write_table(part, folder / f"{number}.parquet", row_group_size=100)
    return sorted(str(path) for path in folder.glob("*.parquet"))


def arrow_files(folder, files=4):
    size = ROWS // files
    for number in range(files):
        part = rows(number * size, (number + 1) * size)
        with pyarrow.ipc.new_file(str(folder / f"{number}.arrow"), part.schema) as writer:
            writer.write_table(part, max_chunksize=77)
    return sorted(str(path) for path in folder.glob("*.arrow"))


def values(batch, name="id"):
    found = batch[name]
    return (found.values if isinstance(found, Masked) else found).tolist()
