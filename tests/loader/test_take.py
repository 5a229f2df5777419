"""Takes from random tables of every type, held against pyarrow.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
import os
import random

import pyarrow
import pytest
from library import LoaderError, Stream, Table, library
from random_tables import random_rows, random_table

TABLES = int(os.environ.get("FORKLOADER_TABLES", "300"))
GROUPS = 10


def same(a, b):
    """Like ==, for values of one type; NaN is itself."""
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (a != a and b != b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b and type(a) is type(b)


def check_table(seed):
    generator = random.Random(seed)
    table = random_table(generator)
    columns = [column.to_pylist() for column in table.columns]
    with Table(table) as imported:
        assert len(imported) == table.num_rows
        for _ in range(3):
            rows = random_rows(generator, table.num_rows)
            chosen = None
            if generator.random() < 0.3:
                chosen = [generator.randrange(table.num_columns) for _ in range(3)]
            taken = imported.take(rows, chosen)
            check_taken(table, columns, rows, chosen, taken)
    taken.validate(full=True)  # it owns its memory


def check_taken(table, columns, rows, chosen, taken):
    taken.validate(full=True)
    numbers = range(table.num_columns) if chosen is None else chosen
    assert len(taken) == len(rows)
    assert [field.type for field in taken.type] == [table.schema.field(i).type for i in numbers]
    assert [field.name for field in taken.type] == [table.schema.field(i).name for i in numbers]
    for at, number in enumerate(numbers):
        field = taken.field(at)
        expected = [columns[number][row] for row in rows]
        assert same(field.to_pylist(), expected), (table.schema.field(number), rows)
        check_null_count(field)
        if "values=halffloat" in str(field.type):
            continue  # pyarrow takes them as integers
        try:
            other = table.column(number).take(pyarrow.array(rows, pyarrow.int64()))
        except (pyarrow.ArrowNotImplementedError, pyarrow.ArrowInvalid):
            continue  # pyarrow cannot take this type
        assert same(field.to_pylist(), other.to_pylist())


def check_null_count(array):
    """As it is told, and as it is."""
    if array.buffers() and array.buffers()[0] is not None and array.type.num_fields == 0:
        bits = array.buffers()[0]
        again = pyarrow.Array.from_buffers(
            pyarrow.bool_(), len(array), [None, bits], offset=array.offset
        )
        assert array.null_count == len(array) - sum(again.to_pylist())


@pytest.mark.parametrize("group", range(GROUPS))
def test_random_tables(group):
    for seed in range(group, TABLES, GROUPS):
        try:
            check_table(seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def test_rows_and_columns_that_are_none():
    with Table(pyarrow.table({"a": [1, 2, 3]})) as table:
        with pytest.raises(LoaderError, match=r"row 3 \(at 1\) is out of range: the table has 3"):
            table.take([0, 3])
        with pytest.raises(LoaderError, match="row 18446744073709551615 "):
            table.take([2**64 - 1])
        for column in (-1, 1):
            with pytest.raises(LoaderError, match=f"column {column} is out of range: the table has 1"):
                table.take([0], [column])
        assert table.take([0, 1], []).to_pylist() == [{}, {}]
    with Table(pyarrow.table({"a": pyarrow.array([], pyarrow.int8())})) as table:
        assert table.take([]).to_pylist() == []
        with pytest.raises(LoaderError, match="row 0 "):
            table.take([0])


@pytest.mark.parametrize(
    "lengths",
    [[8] * 50 + [3], [8] * 3 + [9], [7] * 50, [0, 0, 5, 0, 1000, 1, 1, 1, 0], [1] * 300, [4096, 1]],
    ids=lambda lengths: f"{len(lengths)} of {lengths[0]}",
)
def test_rows_are_found_in_their_batches(lengths):
    numbers = iter(range(sum(lengths)))
    chunks = [
        pyarrow.array([next(numbers) for _ in range(each)], pyarrow.int64()) for each in lengths
    ]
    rows = list(reversed(range(sum(lengths))))
    with Table(pyarrow.table({"a": pyarrow.chunked_array(chunks)})) as table:
        assert table.take(rows).field(0).to_pylist() == rows


def test_buffers_of_many_megabytes():
    rows = [(i * 7919) % 100_000 for i in range(1 << 20)]
    source = pyarrow.table(
        {
            "number": pyarrow.array(range(100_000), pyarrow.int64()),
            "text": pyarrow.array([None if i % 3 == 0 else str(i) for i in range(100_000)]),
            "bit": pyarrow.array([None if i % 5 == 0 else i % 2 == 0 for i in range(100_000)]),
        }
    )
    with Table(source) as table:
        taken = table.take(rows)
    expected = source.take(rows).combine_chunks()
    for name in source.column_names:
        assert taken.field(name).equals(expected[name].chunk(0))


@pytest.mark.parametrize(
    "array",
    [
        pyarrow.array(["x" * (1 << 20)]),
        pyarrow.array([b"x" * (1 << 20)]),
        pyarrow.array([[True] * (1 << 20)], pyarrow.list_(pyarrow.bool_())),
        pyarrow.ListViewArray.from_arrays([0], [1 << 20], pyarrow.nulls(1 << 20)),
    ],
    ids=["string", "binary", "list", "list view"],
)
def test_offsets_that_overflow(array):
    deep = pyarrow.StructArray.from_arrays([array], ["field"])
    with Table(pyarrow.table({"column": deep})) as table:
        with pytest.raises(LoaderError, match='column "column.field": .* offset or run end of 2147483648'):
            table.take([0] * 2048)


def test_run_ends_that_overflow():
    array = pyarrow.RunEndEncodedArray.from_arrays(pyarrow.array([1], pyarrow.int16()), ["a"])
    with Table(pyarrow.table({"r": array})) as table:
        assert len(table.take([0] * 32767)) == 32767
        with pytest.raises(LoaderError, match='column "r": .* offset or run end of 32768'):
            table.take([0] * 32768)


def dictionaries(index, values):
    chunks = [
        pyarrow.DictionaryArray.from_arrays(pyarrow.array([0, 1], index), pyarrow.array(each))
        for each in values
    ]
    return pyarrow.table({"d": pyarrow.chunked_array(chunks)})


def test_dictionaries_are_unified():
    with Table(dictionaries(pyarrow.int8(), [["a", "b"], ["b", "c"], ["a", "b"]])) as table:
        taken = table.take(range(6)).field(0)
        assert taken.dictionary.to_pylist() == ["a", "b", "c"]
        assert taken.indices.to_pylist() == [0, 1, 1, 2, 0, 1]


def test_one_dictionary_is_kept():
    whole = pyarrow.array(["x", "y", "x", None]).dictionary_encode()
    chunks = pyarrow.chunked_array([whole.slice(0, 1), whole.slice(1)])
    with Table(pyarrow.table({"d": chunks})) as table:
        taken = table.take([3, 2]).field(0)
    assert taken.dictionary.to_pylist() == ["x", "y"]
    assert taken.to_pylist() == [None, "x"]


def test_nested_dictionaries_are_concatenated():
    with Table(dictionaries(pyarrow.uint8(), [[[1], [2]], [[2], [3]]])) as table:
        taken = table.take([3, 2, 1]).field(0)
        assert taken.dictionary.to_pylist() == [[1], [2], [2], [3]]
        assert taken.to_pylist() == [[3], [2], [2]]


def test_indices_that_are_too_small():
    values = [[f"{i}-{j}" for j in range(100)] for i in range(2)]
    with Table(dictionaries(pyarrow.int8(), values)) as table:
        with pytest.raises(LoaderError, match='column "d": .* 200 dictionary values'):
            table.take([0])
    with Table(dictionaries(pyarrow.uint8(), values)) as table:
        assert table.take([3]).to_pylist() == [{"d": "1-1"}]


def test_children_that_are_moved_away():
    source = pyarrow.table({"a": [1, 2], "b": pyarrow.array(["x", "y"]).dictionary_encode()})
    with Table(source) as table:
        array, schema = table.take_structs([1, 0])
    moved = [type(array)(), type(schema)()]
    for to, parent in zip(moved, (array, schema)):
        child = parent.children[1].contents
        ctypes.memmove(ctypes.byref(to), ctypes.byref(child), ctypes.sizeof(to))
        child.release = type(child.release)()
        parent.release(ctypes.byref(parent))
    again = pyarrow.Array._import_from_c(*map(ctypes.addressof, moved))
    assert again.to_pylist() == ["y", "x"]


def test_buffers_are_aligned():
    with Table(pyarrow.table({"a": pyarrow.array(["x", None]), "b": [True, False]})) as table:
        taken = table.take([0, 1])
    for buffer in taken.field(0).buffers() + taken.field(1).buffers():
        assert buffer is None or buffer.address % 64 == 0


def test_metadata_is_kept():
    field = pyarrow.field("a", pyarrow.uuid(), nullable=False, metadata={"key": "value"})
    schema = pyarrow.schema([field], metadata={"of": "table"})
    source = pyarrow.table([pyarrow.array([b"0" * 16], pyarrow.uuid())], schema)
    with Table(source) as table:
        taken = table.take([0]).type
        assert taken[0] == field and taken[0].metadata == field.metadata and not taken[0].nullable
        assert library.forkloader_table_schema(table.pointer).contents.children[0].contents.name


def test_null_rows_of_a_stream_of_structs():
    rows = pyarrow.StructArray.from_arrays(
        [pyarrow.array([1, 2, 3, 4])], ["a"], mask=pyarrow.array([False, False, True, False])
    )
    capsule = pyarrow.chunked_array([rows.slice(1, 2), rows.slice(0, 1)]).__arrow_c_stream__()
    with Table(Stream.from_address(capsule_pointer(capsule, b"arrow_array_stream"))) as table:
        assert table.take([1, 0, 2]).to_pylist() == [None, {"a": 2}, {"a": 1}]
        assert table.take([1, 0], [0, 0]).null_count == 1


def capsule_pointer(capsule, name):
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.argtypes, get.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_void_p
    return get(capsule, name)
