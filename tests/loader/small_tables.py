"""Small tables, and what a permutation of them has. SPDX-License-Identifier: Apache-2.0"""

import pyarrow

from forkpolicy.loader import permutation_builder

ROWS = 100


def numbers(rows=ROWS):
    return pyarrow.table({"id": range(rows), "x": [i / 2 for i in range(rows)]})


def wide(rows=ROWS):
    ids = range(rows)
    some = [None if i % 4 == 1 else i for i in ids]
    vector = pyarrow.list_(pyarrow.float32(), 3)
    return pyarrow.table(
        {
            "id": ids,
            "small": pyarrow.array(some, pyarrow.uint16()),
            "flag": [i % 3 == 0 for i in ids],
            "flags": [None if i is None else i % 3 == 0 for i in some],
            "text": [f"s{i}" for i in ids],
            "vec": pyarrow.array([[i, i + 1, i + 2] for i in ids], vector),
            "vecs": pyarrow.array([None if i is None else [i, None, i] for i in some], vector),
            "list": [list(range(i % 3)) for i in ids],
            "views": pyarrow.array(
                [[i] * (i % 3) for i in ids], pyarrow.list_view(pyarrow.int32())
            ),
            "st": [{"a": i, "b": {"c": i / 2}} for i in ids],
            "when": pyarrow.array(ids, pyarrow.timestamp("us")),
            "word": pyarrow.array([f"w{i % 3}" for i in ids]).dictionary_encode(),
        }
    )


def builder(rows=ROWS):
    return permutation_builder(numbers(rows))


def ids(permutation):
    return [row["id"] for batch in permutation.iter(7) for row in batch]
