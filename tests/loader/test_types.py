"""Columns of all types as tensors and arrays; what finding their nulls costs.

SPDX-License-Identifier: Apache-2.0
"""

import numpy
import polars
import pyarrow
import pytest
import torch
from loaders import flat, table

from forkpolicy.loader import Loader, Masked, Permutation, Ragged

pytestmark = pytest.mark.timeout(60)


class Named(pyarrow.ExtensionType):
    """An extension type of any storage."""

    def __init__(self, storage):
        super().__init__(storage, f"forkpolicy.test.{storage}")

    def __arrow_ext_serialize__(self):
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage, serialized):
        return cls(storage)


def column(array, format="tensor"):
    made = Permutation.identity(pyarrow.table({"c": array})).with_format(format)
    return made.take_offsets(range(len(array)))


def tensor(array):
    return column(array)["c"]


def texts(ragged):
    return [bytes(ragged.row(row).tolist()).decode() for row in range(len(ragged.offsets) - 1)]


# Nulls are found without reading values


def labels(count, size=1000):
    indices = pyarrow.array(numpy.arange(count) % 3, pyarrow.int8())
    return pyarrow.DictionaryArray.from_arrays(indices, [str(k) * size for k in range(3)])


@pytest.mark.parametrize(
    "array",
    [
        labels(100_000),
        labels(100_000).dictionary_decode(),
        pyarrow.array([[number, 1, 2] for number in range(100_000)]),
        pyarrow.RunEndEncodedArray.from_arrays(pyarrow.array([10_000_000], pyarrow.int32()), [1]),
    ],
    ids=["dictionary", "string", "list", "run-end"],
)
def test_the_first_batch_copies_no_column(array):
    made = Loader(pyarrow.table({"c": array}), 8)
    before = pyarrow.default_memory_pool()
    pool = pyarrow.system_memory_pool()
    pyarrow.set_memory_pool(pool)
    try:
        held = pool.bytes_allocated()
        batch = next(iter(made))
        assert len(batch) == 1 and pool.max_memory() - held < 1 << 20
    finally:
        pyarrow.set_memory_pool(before)


@pytest.mark.parametrize(
    "array, has_nulls",
    [
        (labels(3), False),
        (pyarrow.DictionaryArray.from_arrays([0, None, 1], ["a", "b"]), True),
        (pyarrow.DictionaryArray.from_arrays([0, 1, 1], ["a", None]), True),
        (pyarrow.DictionaryArray.from_arrays([0, 0, 0], ["a", None]), False),
        (pyarrow.RunEndEncodedArray.from_arrays([2, 3], [1, None]), True),
        (pyarrow.RunEndEncodedArray.from_arrays([2, 3], [1, 2]), False),
        (pyarrow.RunEndEncodedArray.from_arrays([2, 9], [None, 2]).slice(3, 3), False),
        (pyarrow.array(["a", None, "b"], pyarrow.string_view()), True),
        (pyarrow.array([1, None, 3, 4]).slice(2), False),
        (pyarrow.array([[1], [None], [2]]), True),
        (pyarrow.array([[1], [None], [2]]).slice(2), False),
        (pyarrow.array([[None], None, [2]]).slice(2), False),
        (pyarrow.array([[[1]], [[2, None]]]), True),
        (pyarrow.array([[[1]], [[2]]], pyarrow.list_view(pyarrow.list_(pyarrow.int8()))), False),
    ],
)
def test_masks_where_there_are_nulls(array, has_nulls):
    assert ("Masked" in str(tensor(array))) == has_nulls
    assert column(array, "python_col")["c"] == array.to_pylist()


# Types


@pytest.mark.parametrize("kind", [pyarrow.string(), pyarrow.string_view(), pyarrow.json_()])
def test_texts(kind):
    storage = pyarrow.array(["a", "a text that is no inline view"])
    if isinstance(kind, pyarrow.ExtensionType):
        array = pyarrow.ExtensionArray.from_storage(kind, storage)
    else:
        array = storage.cast(kind)
    assert texts(tensor(array)) == storage.to_pylist()
    assert [row["c"] for row in column(array, "torch")] == storage.to_pylist()
    assert column(array, "numpy").tolist() == [[text] for text in storage.to_pylist()]


@pytest.mark.parametrize("kind", [polars.Categorical, polars.Enum(["x", "y"])])
def test_categories_of_polars(kind):
    array = polars.Series(["x", "y", "x"]).cast(kind).to_arrow()
    assert texts(tensor(array)) == ["x", "y", "x"]
    assert [row["c"] for row in column(array, "torch")] == ["x", "y", "x"]
    assert column(array, "numpy").tolist() == [["x"], ["y"], ["x"]]


def test_extension_types_are_their_storage():
    def over(storage):
        return pyarrow.ExtensionArray.from_storage(Named(storage.type), storage)

    assert texts(tensor(over(pyarrow.array(["a", "bb"])))) == ["a", "bb"]
    lists = tensor(over(pyarrow.array([[1, 2], [3]])))
    assert isinstance(lists, Ragged) and lists.values.tolist() == [1, 2, 3]
    vectors = pyarrow.array([[1.0, 2.0], [3.0, 4.0]], pyarrow.list_(pyarrow.float32(), 2))
    assert tensor(over(vectors)).shape == (2, 2)
    nested = pyarrow.array([[[1], [2, 3]], [[4]]])
    assert tensor(over(nested)).values.values.tolist() == [1, 2, 3, 4]
    assert texts(tensor(over(pyarrow.array(["a", "b"]).dictionary_encode()))) == ["a", "b"]
    assert tensor(over(pyarrow.array([1, None]))).valid.tolist() == [True, False]


@pytest.mark.parametrize("order", [None, [1, 0], [0, 1]])
def test_fixed_shape_tensors_have_their_shape(order):
    stored = numpy.arange(24, dtype=numpy.float32).reshape(4, 2, 3)
    kind = pyarrow.fixed_shape_tensor(pyarrow.float32(), (2, 3), permutation=order)
    flat_values = pyarrow.FixedSizeListArray.from_arrays(stored.reshape(-1), 6)
    array = pyarrow.ExtensionArray.from_storage(kind, flat_values)
    expected = stored if order != [1, 0] else stored.transpose(0, 2, 1)
    assert numpy.array_equal(tensor(array).numpy(), expected)
    assert numpy.array_equal(torch.stack([row["c"] for row in column(array, "torch")]), expected)


def test_a_fixed_shape_tensor_with_nulls():
    kind = pyarrow.fixed_shape_tensor(pyarrow.int64(), (1, 2))
    storage = pyarrow.array([[1, 2], None], pyarrow.list_(pyarrow.int64(), 2))
    found = tensor(pyarrow.ExtensionArray.from_storage(kind, storage))
    assert found.values.tolist() == [[[1, 2]], [[0, 0]]] and found.valid.shape == (2, 1, 2)


def test_bool8_is_a_truth():
    storage = pyarrow.array([0, 1, 2, None], pyarrow.int8())
    found = tensor(pyarrow.ExtensionArray.from_storage(pyarrow.bool8(), storage))
    assert found.values.tolist() == [False, True, True, False]
    assert found.values.dtype == torch.bool and found.valid.tolist() == [True] * 3 + [False]


def test_texts_in_structs():
    array = pyarrow.array([{"a": 1, "b": "x", "c": {"d": "y"}}, None])
    first, second = (row["c"] for row in column(array, "torch"))
    assert first["b"] == "x" and first["c"]["d"] == "y" and first["a"] == Masked(1, True)
    assert second["b"] is None and second["c"]["d"] is None and not second["a"].valid


@pytest.mark.parametrize(
    "array",
    [
        pyarrow.array([(1, 2, 3), None], pyarrow.month_day_nano_interval()),
        pyarrow.array([{"a": (1, 2, 3)}, {"a": None}],
                      pyarrow.struct({"a": pyarrow.month_day_nano_interval()})),
        pyarrow.UnionArray.from_sparse(
            pyarrow.array([0, 1], pyarrow.int8()), [pyarrow.array([1, 2]), pyarrow.array(["a", "b"])]
        ),
    ],
    ids=["interval", "interval in a struct", "union"],
)  # fmt: skip
def test_what_pyarrow_makes_no_array_of(array):
    assert column(array, "numpy")[:, 0].tolist() == array.to_pylist()


# Formats


def test_a_loader_gives_tensors_unless_told_otherwise():
    permutation = Permutation.identity(table(10))
    for source in table(10), permutation, permutation.shuffle(1), permutation.with_take(5):
        assert isinstance(next(iter(Loader(source, 5)))["id"], torch.Tensor)
    for format in "python", "arrow", "numpy":
        chosen = permutation.with_format(format)
        assert type(next(iter(Loader(chosen, 5)))) is type(next(chosen.iter(5)))
    assert Loader(permutation.map(len), 5) is not None
    assert list(Loader(permutation.map(lambda rows: rows[:1]), 1)) == [[row] for row in flat(
        permutation.iter(10))]  # fmt: skip
    assert next(iter(Loader(permutation, 5, format="python"))) == next(permutation.iter(5))
