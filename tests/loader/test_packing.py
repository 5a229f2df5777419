"""Packing: documents in blocks of one length. SPDX-License-Identifier: Apache-2.0"""

import pickle
import random
import re

import numpy
import pyarrow
import pytest

from forkpolicy.loader import PackedBlocks, Permutation
from forkpolicy.loader.documents import numbers_of

LISTS = [
    pyarrow.list_(pyarrow.int32()),
    pyarrow.large_list(pyarrow.uint16()),
    pyarrow.list_view(pyarrow.int64()),
    pyarrow.large_list_view(pyarrow.int8()),
]
TEXTS = [
    pyarrow.string(), pyarrow.large_string(), pyarrow.string_view(),
    pyarrow.binary(), pyarrow.large_binary(), pyarrow.binary_view(),
    pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
]  # fmt: skip


def documents(chance, rows, longest=20):
    """Lists of tokens from 1 on; some are None, some empty, some long."""
    found = []
    for _ in range(rows):
        kind = chance.random()
        length = chance.randrange(1, longest) if kind < 0.8 else longest * 5 if kind < 0.85 else 0
        found.append(None if kind > 0.95 else [chance.randrange(1, 100) for _ in range(length)])
    return found


def table(tokens, kind=LISTS[0], chunk=None):
    """One column, "t", in chunks of so many rows, with a slice's offset."""
    if kind in TEXTS:
        tokens = [None if some is None else bytes(some) for some in tokens]
        if not pyarrow.types.is_binary(kind) and "string" in str(kind):
            tokens = [None if some is None else some.decode() for some in tokens]
    chunk = chunk or max(1, len(tokens))
    tokens = tokens[:1] + tokens  # which the slice leaves out
    column = pyarrow.array(tokens, kind).slice(1)
    chunks = [column.slice(first, chunk) for first in range(0, len(column), chunk)]
    return pyarrow.table({"x": range(len(column)), "t": pyarrow.chunked_array(chunks, kind)})


def packed_by_definition(tokens, length, eos=None, pad=0, window=1024):
    """Lists of (token, segment, position), one for each block, in plain Python."""
    blocks = []
    for first in range(0, len(tokens), window):
        stream = []
        for number, document in enumerate(tokens[first : first + window]):
            document = list(document or ()) + ([] if eos is None else [eos])
            stream += [(token, number, place) for place, token in enumerate(document)]
        for begin in range(0, len(stream), length):
            block, names = [], {}
            for token, number, place in stream[begin : begin + length]:
                block.append((token, names.setdefault(number, len(names) + 1), place))
            blocks.append(block + [(pad, 0, 0)] * (length - len(block)))
    return blocks


def blocks_of(batch):
    names = "tokens", "segments", "positions"
    assert tuple(batch) == names
    return [
        list(zip(*(part.tolist() for part in block))) for block in zip(*(batch[n] for n in names))
    ]


@pytest.mark.parametrize("seed", range(25))
def test_as_by_definition(seed):
    chance = random.Random(seed)
    rows = chance.choice([1, 2, 50, chance.randrange(1, 400)])
    kind = LISTS[seed] if seed < len(LISTS) else chance.choice(LISTS + TEXTS)
    tokens = documents(chance, rows)
    length, window = chance.choice([1, 2, 16, 33, 500]), chance.choice([1, 2, 7, 64, 1024])
    eos, pad = chance.choice([None, 0, 77]), chance.choice([0, 99])
    permutation = Permutation.identity(table(tokens, kind, chance.choice([None, 1, 13])))
    if chance.random() < 0.5:
        permutation = permutation.shuffle(seed)
    column = permutation.select_columns(["_rowid"]).take_offsets(range(rows))
    order = [row["_rowid"] for row in column]
    blocks = permutation.packed("t", length, eos_id=eos, pad_id=pad, window=window)
    expected = packed_by_definition([tokens[row] for row in order], length, eos, pad, window)
    assert len(blocks) == len(expected) and blocks.sequence_length == length
    batch = blocks.batch(range(len(blocks)))
    assert blocks_of(batch) == expected
    assert batch["tokens"].shape == (len(expected), length)
    assert batch["segments"].dtype == batch["positions"].dtype == numpy.int32
    for _ in range(20 if len(blocks) else 0):
        some = [chance.randrange(len(blocks)) for _ in range(chance.randrange(1, 9))]
        assert blocks_of(blocks.batch(some)) == [expected[place] for place in some]
        first = chance.randrange(len(blocks))
        some = numpy.arange(first, min(len(blocks), first + 9))
        assert blocks_of(blocks.batch(some)) == expected[first : first + 9]
    again = pickle.loads(pickle.dumps(blocks))
    assert len(again) == len(blocks) and blocks_of(again.batch(range(len(again)))) == expected


@pytest.mark.parametrize("seed", range(5))
def test_no_token_is_lost(seed):
    chance = random.Random(seed)
    tokens = documents(chance, 3000)
    blocks = (
        Permutation.identity(table(tokens)).shuffle(seed).packed("t", 128, eos_id=0, window=100)
    )
    for epoch in 0, 1:
        blocks = blocks.with_epoch(epoch)
        batch = blocks.batch(range(len(blocks)))
        real = batch["segments"] > 0
        texts, now = [], None
        for token, place in zip(batch["tokens"][real].tolist(), batch["positions"][real].tolist()):
            if place == 0:
                now = []
                texts.append(now)
            assert len(now) == place
            now.append(token)
        expected = [list(document or ()) + [0] for document in tokens]
        assert sorted(texts) == sorted(expected)
        assert texts != expected


def test_epochs():
    permutation = Permutation.identity(table(documents(random.Random(1), 500)))
    still = permutation.packed("t", 16, window=50)
    assert still.with_epoch(3) is still
    shuffled = permutation.shuffle(1)
    blocks = [shuffled.packed("t", 16, window=50).with_epoch(epoch) for epoch in range(3)]
    for epoch, found in enumerate(blocks):
        shuffled.set_epoch(epoch)
        fresh = shuffled.packed("t", 16, window=50)
        assert len(fresh) == len(found)
        expected = blocks_of(fresh.batch(range(len(fresh))))
        assert blocks_of(found.batch(range(len(found)))) == expected
        moved = pickle.loads(pickle.dumps(found))
        assert blocks_of(moved.batch(range(len(moved)))) == expected
    assert blocks_of(blocks[0].batch([0])) != blocks_of(blocks[1].batch([0]))


def test_only_the_rows_of_the_blocks_are_taken(monkeypatch):
    permutation = Permutation.identity(table([[7] * 10] * 5000))
    blocks = permutation.packed("t", 50, window=1000)
    taken, read = [], type(blocks._documents).read

    def noted(self, rows):
        taken.append(rows.tolist())
        return read(self, rows)

    monkeypatch.setattr(type(blocks._documents), "read", noted)
    blocks.batch([3])
    blocks.batch([399, 400])
    blocks.batch([200, 201, 100])
    assert taken == [
        list(range(15, 20)), list(range(1995, 2000)), list(range(2000, 2005)),
        list(range(1000, 1010)), list(range(500, 505)),
    ]  # fmt: skip


def test_types():
    rows = [[1, 2], [3]]
    for kind, dtype in zip(LISTS, (numpy.int32, numpy.uint16, numpy.int64, numpy.int8)):
        found = Permutation.identity(table(rows, kind)).packed("t", 4).batch([0])
        assert found["tokens"].dtype == dtype and found["tokens"].tolist() == [[1, 2, 3, 0]]
    fixed = pyarrow.array([[1, 2], None, [3, 4]], pyarrow.list_(pyarrow.int16(), 2))
    found = Permutation.identity(pyarrow.table({"t": fixed})).packed("t", 6, eos_id=9, pad_id=-1)
    assert found.batch([0])["tokens"].tolist() == [[1, 2, 9, 9, 3, 4]]
    assert found.batch([1])["tokens"].tolist() == [[9, -1, -1, -1, -1, -1]]
    words = pyarrow.table({"t": ["h\u00e9", None, "", "o"]})
    found = Permutation.identity(words).packed("t", 6, eos_id=256, pad_id=257, dtype=numpy.int64)
    tokens = found.batch(range(len(found)))["tokens"]
    assert tokens.dtype == numpy.int64
    again = pickle.loads(pickle.dumps(found)).batch([0])["tokens"]
    assert again.dtype == numpy.int64 and again.tolist() == tokens[:1].tolist()
    assert tokens.tolist() == [[104, 195, 169, 256, 256, 256], [111, 256, 257, 257, 257, 257]]
    plain = Permutation.identity(words).packed("t", 6).batch([0])["tokens"]
    assert plain.dtype == numpy.uint8 and plain.tolist() == [[104, 195, 169, 111, 0, 0]]
    nested = pyarrow.table({"st": [{"t": [1, 2]}, {"t": [3]}]})
    assert Permutation.identity(nested).packed("st.t", 3).batch([0])["tokens"].tolist() == [
        [1, 2, 3]
    ]


def with_hidden_bytes(kind):
    """Rows "ab", null, "ef", the null one having bytes of its own."""
    offsets = pyarrow.array([0, 2, 4, 6], pyarrow.int64())
    if pyarrow.types.is_large_list(kind):
        values = pyarrow.array(list(b"abcdef"), pyarrow.uint8())
        return pyarrow.LargeListArray.from_arrays(
            offsets, values, mask=pyarrow.array([False, True, False])
        )
    buffers = [pyarrow.py_buffer(b"\x05"), offsets.buffers()[1], pyarrow.py_buffer(b"abcdefgh")]
    return pyarrow.Array.from_buffers(kind, 3, buffers)


@pytest.mark.parametrize(
    "kind", [pyarrow.large_list(pyarrow.uint8()), pyarrow.large_binary(), pyarrow.large_string()]
)
def test_nulls_and_slices(kind):
    array = with_hidden_bytes(kind)
    assert bytes(numbers_of(array)) == b"abef" and array.null_count == 1
    slices = [bytes(numbers_of(array.slice(first, 1))) for first in range(3)]
    assert slices == [b"ab", b"", b"ef"] and len(numbers_of(array.slice(3))) == 0
    blocks = Permutation.identity(pyarrow.table({"t": array})).packed("t", 5, eos_id=1)
    assert blocks.batch([0])["tokens"].tolist() == [list(b"ab\1\1e")]
    assert blocks.batch([1])["tokens"].tolist() == [list(b"f\1\0\0\0")]


def test_nothing_to_pack():
    for rows in ([[]], [None, []], [[]] * 2000):
        blocks = Permutation.identity(table(rows)).packed("t", 4)
        assert len(blocks) == 0 and blocks.batch([])["tokens"].shape == (0, 4)
        ended = Permutation.identity(table(rows)).packed("t", 4, eos_id=5)
        assert len(ended) == sum(
            -(-min(1024, len(rows) - i) // 4) for i in range(0, len(rows), 1024)
        )
    blocks = Permutation.identity(table([[1]])).with_take(0).packed("t", 4)
    assert len(blocks) == 0 and blocks.batch([])["segments"].shape == (0, 4)
    holes = Permutation.identity(table([[], [1], [], [], [2]])).packed("t", 4, window=1)
    assert blocks_of(holes.batch([0, 1])) == packed_by_definition([[1], [2]], 4, window=1)


def test_of_a_mixture():
    parts = {name: (table([[of] * 3] * 400), 1) for of, name in enumerate("ab")}
    blocks = Permutation.mixture(parts, seed=1).packed("t", 12, window=8)
    found = blocks.batch(range(len(blocks)))["tokens"]
    assert len(blocks) == 200 and (found == 0).sum() == (found == 1).sum() == 1200


@pytest.mark.parametrize(
    "arguments, kind, said",
    [
        ({"column": "nope"}, ValueError, "Cannot select column `nope`"),
        ({"column": "x"}, TypeError, "column `x` is of int64: only lists of integers, texts or"),
        ({"column": "f"}, TypeError, "column `f` is of list<item: double>: only lists of integers"),
        ({"column": "n"}, ValueError, "column `n` has nulls within its lists"),
        ({"sequence_length": 0}, ValueError, "sequence_length must be at least 1"),
        ({"window": 0}, ValueError, "window must be at least 1"),
        ({"eos_id": 128}, ValueError, "eos_id must be less than 128, not 128: tokens are int8"),
        ({"pad_id": -129}, ValueError, "pad_id must be at least -128, not -129: tokens are int8"),
        ({"pad_id": None}, TypeError, "pad_id must be an int"),
        (
            {"dtype": "uint8"},
            ValueError,
            "dtype uint8 does not hold all numbers of a column of int8",
        ),
        ({"dtype": "float64"}, ValueError, "dtype float64 does not hold all numbers"),
    ],
)
def test_refused(arguments, kind, said):
    source = pyarrow.table(
        {"x": [1], "t": pyarrow.array([[1]], LISTS[3]), "f": [[0.5]], "n": [[1, None]]}
    )
    with pytest.raises(kind, match=re.escape(said)):
        Permutation.identity(source).packed(**{"column": "t", "sequence_length": 4, **arguments})


def test_no_such_block():
    blocks = Permutation.identity(table([[1] * 10])).packed("t", 4)
    assert isinstance(blocks, PackedBlocks)
    for wrong in 3, -1:
        with pytest.raises(IndexError, match=f"block {wrong} is out of range for 3 blocks"):
            blocks.batch([0, wrong])
    for wrong in ([0.5], [[1]], 1):
        with pytest.raises(TypeError, match="positions must be a list of ints"):
            blocks.batch(wrong)
