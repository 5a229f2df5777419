"""Random tables of every Arrow type: chunked, sliced, with nulls.

SPDX-License-Identifier: Apache-2.0
"""

import datetime
import decimal

import pyarrow

PRIMITIVES = [
    pyarrow.int8(),
    pyarrow.uint8(),
    pyarrow.int16(),
    pyarrow.uint16(),
    pyarrow.int32(),
    pyarrow.uint32(),
    pyarrow.int64(),
    pyarrow.uint64(),
    pyarrow.float16(),
    pyarrow.float32(),
    pyarrow.float64(),
    pyarrow.bool_(),
    pyarrow.date32(),
    pyarrow.date64(),
    pyarrow.time32("s"),
    pyarrow.time32("ms"),
    pyarrow.time64("us"),
    pyarrow.time64("ns"),
    pyarrow.timestamp("s"),
    pyarrow.timestamp("us", tz="Europe/Berlin"),
    pyarrow.duration("ms"),
    pyarrow.month_day_nano_interval(),
    pyarrow.decimal32(7, 2),
    pyarrow.decimal64(15, -3),
    pyarrow.decimal128(38, 10),
    pyarrow.decimal256(70, 5),
    pyarrow.binary(0),
    pyarrow.binary(3),
    pyarrow.binary(40),
    pyarrow.null(),
]
VARIABLE = [
    pyarrow.string(),
    pyarrow.binary(),
    pyarrow.large_string(),
    pyarrow.large_binary(),
    pyarrow.string_view(),
    pyarrow.binary_view(),
]
NESTED = [
    "list",
    "large_list",
    "list_view",
    "large_list_view",
    "fixed_list",
    "struct",
    "map",
    "sparse_union",
    "dense_union",
    "dictionary",
    "run_end",
]


def primitive_value(random, type_):
    """A value that from_pylist takes, of a primitive type."""
    kinds = pyarrow.types
    if kinds.is_boolean(type_):
        return random.random() < 0.5
    if kinds.is_integer(type_):
        low = 0 if str(type_).startswith("u") else -(1 << (type_.bit_width - 1))
        return random.randrange(low, low + (1 << type_.bit_width))
    if kinds.is_floating(type_):
        return float(random.randrange(-2048, 2048))
    if kinds.is_decimal(type_):
        digits = random.randrange(10 ** min(type_.precision, 60))
        return decimal.Decimal((random.randrange(2), tuple(map(int, str(digits))), -type_.scale))
    if kinds.is_interval(type_):
        return pyarrow.scalar((random.randrange(99), random.randrange(-99, 99), 5), type_).as_py()
    if kinds.is_date(type_):
        return datetime.date(1970, 1, 1) + datetime.timedelta(random.randrange(-9999, 20000))
    if kinds.is_fixed_size_binary(type_):
        return random.randbytes(type_.byte_width)
    seconds = random.randrange(86000)  # times and durations; Python knows no nanoseconds
    return seconds * 1000 if type_ == pyarrow.time64("ns") else seconds


def primitive_array(random, type_, values):
    if pyarrow.types.is_time(type_) or pyarrow.types.is_duration(type_):
        storage = pyarrow.int32() if type_.bit_width == 32 else pyarrow.int64()
        return pyarrow.array(values, storage).cast(type_)
    return pyarrow.array(values, type_)


def with_nulls(random, values):
    share = random.choice([0, 0, 0.1, 0.5, 1])
    return [None if random.random() < share else value for value in values]


def mask(random, length):
    """True: null. None: none is."""
    share = random.choice([0, 0.2, 0.9])
    if not share:
        return None
    return pyarrow.array([random.random() < share for _ in range(length)], pyarrow.bool_())


def sliced(random, make, length):
    """An array of `length`, often cut out of a longer one."""
    before, after = (random.choice([0, 0, 1, 3, 9]) for _ in range(2))
    return make(length + before + after).slice(before, length)


def random_type(random, depth):
    kinds = PRIMITIVES + 4 * VARIABLE
    if depth > 0:
        kinds = kinds + 5 * NESTED
    kind = random.choice(kinds)
    if not isinstance(kind, str):
        return kind
    below = [random_type(random, depth - 1) for _ in range(random.choice([1, 2, 3]))]
    if kind == "dictionary":
        index = random.choice(PRIMITIVES[:8])
        return (kind, index, random.choice(PRIMITIVES[:26] + VARIABLE + below))
    if kind == "run_end":
        if isinstance(below[0], tuple) and below[0][0] == "run_end":
            return below[0]  # pyarrow refuses runs of runs
        return (kind, random.choice([pyarrow.int16(), pyarrow.int32(), pyarrow.int64()]), below[0])
    return (kind, *below) + ((random.choice([0, 1, 3, 8]),) if kind == "fixed_list" else ())


def random_array(random, type_, length):
    """Of a type as random_type makes it. Dictionaries may differ from call to call."""
    return sliced(random, lambda count: plain_array(random, type_, count), length)


def plain_array(random, type_, length):
    if isinstance(type_, pyarrow.DataType):
        if type_ in VARIABLE:
            return variable_array(random, type_, length)
        if pyarrow.types.is_null(type_):
            return pyarrow.nulls(length)
        values = [primitive_value(random, type_) for _ in range(length)]
        return primitive_array(random, type_, with_nulls(random, values))
    return globals()["make_" + type_[0]](random, type_, length)


def variable_array(random, type_, length):
    text = type_ in (pyarrow.string(), pyarrow.large_string(), pyarrow.string_view())
    most = random.choice([0, 5, 13, 60])
    values = []
    for _ in range(length):
        size = random.randrange(most + 1)
        values.append("".join(random.choices("abcü", k=size)) if text else random.randbytes(size))
    return pyarrow.array(with_nulls(random, values), type_)


def offsets_of(random, length, most=4):
    offsets = [random.choice([0, 0, 2])]
    for _ in range(length):
        offsets.append(offsets[-1] + random.randrange(most))
    return offsets


def lists(random, type_, length, make, offset_type):
    offsets = offsets_of(random, length)
    values = random_array(random, type_[1], offsets[-1] + random.choice([0, 2]))
    return make.from_arrays(
        pyarrow.array(offsets, offset_type), values, mask=mask(random, length)
    )


def make_list(random, type_, length):
    return lists(random, type_, length, pyarrow.ListArray, pyarrow.int32())


def make_large_list(random, type_, length):
    return lists(random, type_, length, pyarrow.LargeListArray, pyarrow.int64())


def list_views(random, type_, length, make, offset_type):
    values = random_array(random, type_[1], 10)
    sizes = [random.randrange(5) for _ in range(length)]
    offsets = [random.randrange(11 - size) for size in sizes]
    return make.from_arrays(
        pyarrow.array(offsets, offset_type),
        pyarrow.array(sizes, offset_type),
        values,
        mask=mask(random, length),
    )


def make_list_view(random, type_, length):
    return list_views(random, type_, length, pyarrow.ListViewArray, pyarrow.int32())


def make_large_list_view(random, type_, length):
    return list_views(random, type_, length, pyarrow.LargeListViewArray, pyarrow.int64())


def make_fixed_list(random, type_, length):
    size = type_[-1]
    values = random_array(random, type_[1], size * length)
    data_type = pyarrow.list_(values.type, size)
    nulls = mask(random, length)
    if nulls is None:
        return pyarrow.Array.from_buffers(data_type, length, [None], children=[values])
    bits = pyarrow.compute.invert(nulls).buffers()[1]
    return pyarrow.Array.from_buffers(data_type, length, [bits], children=[values])


def make_struct(random, type_, length):
    fields = [random_array(random, below, length) for below in type_[1:]]
    names = [f"f{i}" for i in range(len(fields))]
    return pyarrow.StructArray.from_arrays(fields, names, mask=mask(random, length))


def make_map(random, type_, length):
    offsets = offsets_of(random, length)
    keys = pyarrow.array([random.randrange(99) for _ in range(offsets[-1])], pyarrow.int16())
    values = random_array(random, type_[1], offsets[-1])
    nulls = mask(random, length)
    bits = None if nulls is None else pyarrow.compute.invert(nulls).buffers()[1]
    data_type = pyarrow.map_(pyarrow.int16(), values.type)
    entries = pyarrow.StructArray.from_arrays(
        [keys, values], fields=[data_type.key_field, data_type.item_field]
    )
    return pyarrow.Array.from_buffers(
        data_type,
        length,
        [bits, pyarrow.array(offsets, pyarrow.int32()).buffers()[1]],
        children=[entries],
    )


def union_names(random, type_):
    return [f"u{i}" for i in range(len(type_) - 1)], [5 * i for i in range(len(type_) - 1)]


def make_sparse_union(random, type_, length):
    names, codes = union_names(random, type_)
    ids = pyarrow.array([random.choice(codes) for _ in range(length)], pyarrow.int8())
    fields = [random_array(random, below, length) for below in type_[1:]]
    return pyarrow.UnionArray.from_sparse(ids, fields, names, codes)


def make_dense_union(random, type_, length):
    names, codes = union_names(random, type_)
    ids, offsets, lengths = [], [], [0] * len(codes)
    for _ in range(length):
        child = random.randrange(len(codes))
        ids.append(codes[child])
        offsets.append(lengths[child])
        lengths[child] += 1
    fields = [random_array(random, below, count) for below, count in zip(type_[1:], lengths)]
    return pyarrow.UnionArray.from_dense(
        pyarrow.array(ids, pyarrow.int8()),
        pyarrow.array(offsets, pyarrow.int32()),
        fields,
        names,
        codes,
    )


def make_dictionary(random, type_, length):
    count = random.choice([1, 2, 9])
    values = random_array(random, type_[2], count)
    indices = with_nulls(random, [random.randrange(count) for _ in range(length)])
    return pyarrow.DictionaryArray.from_arrays(pyarrow.array(indices, type_[1]), values)


def make_run_end(random, type_, length):
    ends, end = [], 0
    while end < length or random.random() < 0.2:
        end += random.randrange(1, 6)
        ends.append(end)
    values = random_array(random, type_[2], len(ends))
    whole = pyarrow.RunEndEncodedArray.from_arrays(
        pyarrow.array(ends, type_[1]),
        values,
        pyarrow.run_end_encoded(type_[1], values.type),
    )
    return whole.slice(0, length)


def random_table(random, depth=3):
    """Columns of random types, in batches of random lengths."""
    count = random.choice([1, 2, 4])
    types = [random_type(random, random.randrange(depth + 1)) for _ in range(count)]
    equal = random.choice([1, 4, 8])
    lengths = [
        equal if random.random() < 0.5 else random.choice([0, 1, 2, 7, 30])
        for _ in range(random.choice([0, 1, 1, 2, 5, 12]))
    ]
    batches = []
    same = random.random() < 0.3
    kept = None
    for length in lengths:
        if same and kept is None:
            kept = [random_array(random, type_, sum(lengths)) for type_ in types]
            at = 0
        if same:
            arrays = [column.slice(at, length) for column in kept]
            at += length
        else:
            arrays = [random_array(random, type_, length) for type_ in types]
        batches.append(pyarrow.record_batch(arrays, [f"c{i}" for i in range(len(types))]))
    if not batches:
        arrays = [random_array(random, type_, 0) for type_ in types]
        schema = pyarrow.record_batch(arrays, [f"c{i}" for i in range(len(types))]).schema
        return pyarrow.Table.from_batches([], schema)
    return pyarrow.Table.from_batches(batches)


def random_rows(random, count):
    if not count:
        return []
    length = random.choice([0, 1, 5, 40, 40, 200])
    if random.random() < 0.2:
        start = random.randrange(count)
        return list(range(start, min(count, start + length)))
    return [random.randrange(count) for _ in range(length)]
