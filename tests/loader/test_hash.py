"""hash v1: docs/hash-v1.md, and that nothing but the values counts.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
import datetime
import decimal
import json
import math
import random
import re
import struct

import pyarrow
import pytest
from library import ROOT, LoaderError
from sql_library import SqlTable, hash_of, split, splits

DOCUMENT = (ROOT / "docs" / "hash-v1.md").read_text() if (ROOT / "docs" / "hash-v1.md").exists() else ""
ROW = re.compile(r"^\| `([^`]*)` \| `([^`]*)` \| `([0-9a-f]*)` \| `([0-9a-f]{16})` \|$", re.M)
VECTORS = ROW.findall(DOCUMENT)
SPLIT = re.compile(r"^\| `([0-9a-f]{16})` \| ([0-9, ]+) \| ([0-9]+) \| (-?[0-9]+) \|$", re.M)

TYPES = {
    "halffloat": pyarrow.float16(),
    "decimal128(10, 2)": pyarrow.decimal128(10, 2),
    "decimal256(60, 30)": pyarrow.decimal256(60, 30),
    "fixed_size_binary[3]": pyarrow.binary(3),
    "date32[day]": pyarrow.date32(),
    "date64[ms]": pyarrow.date64(),
    "timestamp[ns, tz=UTC]": pyarrow.timestamp("ns", "UTC"),
    "list<item: int32>": pyarrow.list_(pyarrow.int32()),
    "fixed_size_list<item: int8>[2]": pyarrow.list_(pyarrow.int8(), 2),
    "struct<a: int64, b: string>": pyarrow.struct(
        [("a", pyarrow.int64()), ("b", pyarrow.string())]
    ),
    "map<string, int64>": pyarrow.map_(pyarrow.string(), pyarrow.int64()),
}


def arrow_of(name, text):
    """A row of the document as an array of one value."""
    kind, value = TYPES.get(name), json.loads(text)
    if kind is None:
        kind = pyarrow.type_for_alias(name)
    if value is not None and pyarrow.types.is_decimal(kind):
        value = decimal.Decimal(value)
    if value is not None and pyarrow.types.is_map(kind):
        value = [tuple(pair) for pair in value]
    if isinstance(value, int) and pyarrow.types.is_temporal(kind):
        whole = pyarrow.int32() if kind.bit_width == 32 else pyarrow.int64()
        return pyarrow.array([value], whole).view(kind)
    if pyarrow.types.is_binary(kind) or pyarrow.types.is_fixed_size_binary(kind):
        if isinstance(value, str):
            value = value.encode()
    return pyarrow.array([value], kind)


# The encoding, written once more from the document.


def tagged(tag, form="", *values):
    return bytes([tag]) + struct.pack("<" + form, *values)


def seconds(tag, count, per_second):
    whole, rest = divmod(count, per_second)
    return tagged(tag, "qI", whole, rest * (10**9 // per_second))


def encode_decimal(value):
    sign, digits, power = value.normalize(decimal.Context(prec=100)).as_tuple()
    text = "".join(map(str, digits)) if value else ""
    return tagged(5, "?iQ", bool(sign and value), power if value else 0, len(text)) + text.encode()


PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
T = pyarrow.types


def encode_float(value):
    bits = struct.pack("<d", value + 0.0 if value == 0 else value)
    if math.isnan(value):
        bits = struct.pack("<Q", 0x7FF8000000000000)
    return tagged(4) + (struct.pack("<d", 0.0) if value == 0 else bits)


def encode_value(scalar):
    kind = scalar.type
    if T.is_dictionary(kind) or T.is_run_end_encoded(kind):
        return encode_value(scalar.as_py_scalar())
    if not scalar.is_valid:
        return tagged(0)
    if T.is_boolean(kind):
        return tagged(1, "?", scalar.as_py())
    if T.is_integer(kind):
        value = scalar.as_py()
        return tagged(2, "q", value) if value < 2**63 else tagged(3, "Q", value)
    if T.is_floating(kind):
        return encode_float(float(scalar.as_py()))
    if T.is_decimal(kind):
        return encode_decimal(scalar.as_py())
    if T.is_string(kind) or T.is_large_string(kind):
        data = scalar.as_py().encode()
        return tagged(6, "Q", len(data)) + data
    if T.is_binary(kind) or T.is_fixed_size_binary(kind):
        return tagged(7, "Q", len(scalar.as_py())) + scalar.as_py()
    if T.is_temporal(kind):
        return encode_temporal(kind, scalar.value)
    return encode_nested(scalar)


def encode_temporal(kind, count):
    if T.is_date32(kind):
        return tagged(8, "q", count)
    if T.is_date64(kind):
        return tagged(8, "q", count // 86400000)
    tag = 9 if T.is_timestamp(kind) else 10 if T.is_time(kind) else 11
    return seconds(tag, count, PER_SECOND[kind.unit])


def encode_nested(scalar):
    kind = scalar.type
    if T.is_struct(kind):
        fields = [encode_value(scalar[i]) for i in range(kind.num_fields)]
        return tagged(15, "I", len(fields)) + b"".join(fields)
    tag = 14 if T.is_map(kind) else 13
    return tagged(tag, "Q", len(scalar.values)) + b"".join(map(encode_value, scalar.values))


@pytest.fixture(scope="module")
def xxh3():
    try:
        library = ctypes.CDLL("libxxhash.so.0")
    except OSError:
        pytest.skip("no libxxhash.so.0 to compare with")
    library.XXH3_64bits.restype = ctypes.c_uint64
    library.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    return lambda data: library.XXH3_64bits(data, len(data))


def test_document_has_vectors():
    assert len(VECTORS) >= 30 and len(SPLIT.findall(DOCUMENT)) >= 6


@pytest.mark.parametrize("name, value, encoding, expected", VECTORS)
def test_vector(name, value, encoding, expected, xxh3):
    array = arrow_of(name, value)
    assert encode_value(array[0]).hex() == encoding
    assert f"{xxh3(bytes.fromhex(encoding)):016x}" == expected
    assert [f"{found:016x}" for found in hash_of(array)] == [expected]


@pytest.mark.parametrize("found, weights, discard, expected", SPLIT.findall(DOCUMENT))
def test_split_vector(found, weights, discard, expected):
    weights = [int(weight) for weight in weights.split(",")]
    assert split(int(found, 16), weights, int(discard)) == int(expected)


def equal(*arrays):
    hashes = [hash_of(array) for array in arrays]
    assert all(each == hashes[0] for each in hashes), hashes
    return hashes[0]


def test_integers_of_all_widths_are_one():
    kinds = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    values = [0, 1, 2, 100, 127, None]
    equal(*(pyarrow.array(values, pyarrow.type_for_alias(kind)) for kind in kinds))


def test_floats_of_all_widths_are_one():
    values = [0.0, 1.5, -2.25, math.inf, -math.inf, math.nan, None]
    found = equal(*(pyarrow.array(values, kind) for kind in (pyarrow.float32(), pyarrow.float64())))
    import numpy

    half = numpy.array([0.0, 1.5, -2.25, math.inf, -math.inf, math.nan], numpy.float16)
    assert hash_of(pyarrow.array(half)) == found[:6]
    tiny = numpy.array([6e-8, 6.1e-5, 65504, 0.333251953125], numpy.float16)
    equal(pyarrow.array(tiny), pyarrow.array(tiny.astype(numpy.float64)))


def test_zeros_and_nans_are_one():
    nans = b"".join(
        struct.pack("<Q", bits)
        for bits in (0x7FF8000000000000, 0xFFF8000000000000, 0x7FF0000000000001)
    )
    array = pyarrow.Array.from_buffers(pyarrow.float64(), 3, [None, pyarrow.py_buffer(nans)])
    assert len(set(hash_of(array))) == 1
    assert len(set(hash_of(pyarrow.array([0.0, -0.0])))) == 1
    assert hash_of(pyarrow.array([1.0])) != hash_of(pyarrow.array([1]))


TEXTS = ["a", "bb", None, "", "a long text that no view holds inline", "bb", "bb", None]


def test_text_in_every_form():
    plain = pyarrow.array(TEXTS)
    runs = pyarrow.RunEndEncodedArray.from_arrays(
        pyarrow.array([1, 2, 3, 4, 5, 7, 8], pyarrow.int16()),
        pyarrow.array([*TEXTS[:5], "bb", None]),
    )
    equal(
        plain,
        plain.cast(pyarrow.large_string()),
        plain.cast(pyarrow.string_view()),
        plain.dictionary_encode(),
        pyarrow.DictionaryArray.from_arrays(
            pyarrow.array([0, 1, 2, 3, 4, 1, 5, None], pyarrow.uint8()),
            pyarrow.array([*TEXTS[:5], "bb"]),
        ),
        runs,
    )
    assert hash_of(plain)[:2] != hash_of(plain.cast(pyarrow.binary()))[:2]


def test_binary_in_every_form():
    plain = pyarrow.array([b"abc", None, b"\0\0\0"])
    equal(
        plain,
        plain.cast(pyarrow.large_binary()),
        plain.cast(pyarrow.binary_view()),
        plain.cast(pyarrow.binary(3)),
    )


def test_decimals_by_value():
    values = [decimal.Decimal(text) for text in ("1.50", "-0.01", "0.00", "99999.99", "1200.00")]
    equal(
        pyarrow.array(values, pyarrow.decimal128(10, 2)),
        pyarrow.array(values, pyarrow.decimal256(60, 20)),
        pyarrow.array(values, pyarrow.decimal64(12, 4)),
        pyarrow.array(values, pyarrow.decimal32(9, 2)),
    )


def test_times_by_value():
    moments = [datetime.datetime(2024, 2, 29, 12, 30, 1), datetime.datetime(1900, 1, 1), None]
    equal(*(pyarrow.array(moments, pyarrow.timestamp(unit)) for unit in ("s", "ms", "us", "ns")))
    equal(
        pyarrow.array(moments, pyarrow.timestamp("us")),
        pyarrow.array(moments, pyarrow.timestamp("us", "UTC")),
    )
    days = [datetime.date(2024, 2, 29), datetime.date(1900, 1, 1)]
    equal(pyarrow.array(days, pyarrow.date32()), pyarrow.array(days, pyarrow.date64()))
    clocks = [datetime.time(1, 2, 3)]
    equal(*(pyarrow.array(clocks, kind) for kind in (pyarrow.time32("s"), pyarrow.time64("ns"))))


def test_lists_in_every_form():
    values = [[1, 2], [3, None], [5, 6]]
    kind = pyarrow.int64()
    equal(
        pyarrow.array(values, pyarrow.list_(kind)),
        pyarrow.array(values, pyarrow.large_list(kind)),
        pyarrow.array(values, pyarrow.list_(kind, 2)),
        pyarrow.array(values, pyarrow.list_view(kind)),
        pyarrow.array(values, pyarrow.large_list_view(pyarrow.int8())),
    )
    distinct = pyarrow.array([[1], [1, 1], [], None, [None], [0]])
    assert len(set(hash_of(distinct))) == 6


def test_unions_dense_and_sparse():
    ids, one, two = pyarrow.array([0, 1, 0], pyarrow.int8()), [1, 2, 3], ["a", "b", "c"]
    sparse = pyarrow.UnionArray.from_sparse(ids, [pyarrow.array(one), pyarrow.array(two)])
    dense = pyarrow.UnionArray.from_dense(
        ids,
        pyarrow.array([0, 0, 1], pyarrow.int32()),
        [pyarrow.array([1, 3]), pyarrow.array(["b"])],
    )
    assert len(set(equal(sparse, dense))) == 3


def test_columns_and_their_bounds():
    table = pyarrow.table({"a": ["x", "xy"], "b": ["yz", "z"], "s": [{"f": 1}, {"f": 2}]})
    with SqlTable(table) as imported:
        first, second = imported.hash("a", "b")
        assert first != second
        assert imported.hash("a", "b") != imported.hash("b", "a")
        assert imported.hash("s.f") == hash_of(pyarrow.array([1, 2]))
        assert imported.hash("a", "a")[0] != imported.hash("a")[0]
        with pytest.raises(LoaderError, match="requires at least one column"):
            imported.hash()
        with pytest.raises(LoaderError, match="no field named `c`; valid fields are a, b, s, s.f"):
            imported.hash("c")


def test_nested_nulls_count():
    inner = pyarrow.array([1, 2, 3])
    outer = pyarrow.StructArray.from_arrays(
        [inner], ["f"], mask=pyarrow.array([False, True, False])
    )
    table = pyarrow.table({"s": outer})
    assert hash_of(table, "s.f") == hash_of(pyarrow.array([1, None, 3]))


def random_value(random, depth=0):
    choice = random.randrange(8 if depth < 3 else 5)
    if choice == 0:
        return None
    if choice < 5:
        return random.choice(["", "a", "bc", "é" * random.randrange(9)])
    return [random_value(random, depth + 1) for _ in range(random.randrange(4))]


def test_chunks_and_slices_do_not_count():
    source = random.Random(7)
    rows = 500
    table = pyarrow.table(
        {
            "i": pyarrow.array([source.choice([None, 1, -5, 2**40]) for _ in range(rows)]),
            "t": pyarrow.array([source.choice([None, "x", "yy"]) for _ in range(rows)]),
            "l": pyarrow.array(
                [source.choice([None, [], [1, None], [2]]) for _ in range(rows)],
                pyarrow.list_(pyarrow.int64()),
            ),
            "s": pyarrow.array(
                [source.choice([None, {"a": 1, "b": [None, "k"]}, {"a": 2, "b": None}])
                 for _ in range(rows)]
            ),
            "b": pyarrow.array([source.choice([None, True, False]) for _ in range(rows)]),
        }
    )
    whole = hash_of(table)
    for _ in range(20):
        cuts = sorted({0, rows, *(source.randrange(rows) for _ in range(source.randrange(12)))})
        pieces = [
            table.slice(start, end - start) for start, end in zip(cuts, cuts[1:], strict=False)
        ]
        assert hash_of(pyarrow.concat_tables(pieces)) == whole
    start = source.randrange(1, 100)
    assert hash_of(table.slice(start)) == whole[start:]
    assert hash_of(table.slice(0, 0)) == []


def test_splits_are_what_the_weights_say():
    hashes = hash_of(pyarrow.array(range(100_000)))
    weights, discard = [8, 1, 1], 2
    found = splits(hashes, weights, discard)
    assert found[:200] == [split(each, weights, discard) for each in hashes[:200]]
    for index, share in ((0, 8 / 12), (1, 1 / 12), (2, 1 / 12), (-1, 2 / 12)):
        expected = share * len(hashes)
        assert abs(found.count(index) - expected) < 5 * math.sqrt(expected * (1 - share))


def test_hashes_are_even_and_change_by_half():
    hashes = hash_of(pyarrow.array(range(20_000)))
    assert len(set(hashes)) == len(hashes)
    for bit in range(64):
        ones = sum(each >> bit & 1 for each in hashes)
        assert abs(ones - len(hashes) / 2) < 5 * math.sqrt(len(hashes) / 4)
    flipped = sum((a ^ b).bit_count() for a, b in zip(hashes[::2], hashes[1::2], strict=True))
    assert abs(flipped / (len(hashes) / 2) - 32) < 0.3


@pytest.mark.parametrize(
    "weights, discard, message",
    [
        ([], 0, "Hash strategy requires at least one split weight"),
        ([1, 0], 0, "Split weights must be greater than 0"),
        ([2**63, 2**63], 0, "beyond 64 bits"),
        ([1], 2**64 - 1, "beyond 64 bits"),
    ],
)
def test_weights_that_are_none(weights, discard, message):
    with pytest.raises(LoaderError, match=message):
        splits([1, 2], weights, discard)
    assert split(1, weights, discard) == -1


def test_the_ends_of_the_weights():
    assert split(0, [1, 1]) == 0
    assert split(2**63 - 1, [1, 1]) == 0
    assert split(2**63, [1, 1]) == 1
    assert split(2**64 - 1, [1, 1]) == 1
    assert split(2**64 - 1, [1, 1], 1) == -1
    assert split(2**64 - 1, [2**64 - 1]) == 0
