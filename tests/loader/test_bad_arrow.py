"""Producers that get it wrong: an error that names the thing, and each release once.

SPDX-License-Identifier: Apache-2.0
"""

import os
import signal
import traceback

import pytest
from bad_arrays import Node, Producer, packed
from library import LoaderError, Table

GOOD = packed("i", 1, 2, 3, 4)


def ints(length=4, **fields):
    return Node("i", length, [None, GOOD], **fields)


def struct(says):
    return Node("+s", 4, [None], [ints()], says=says)


def text(offsets, data=b"abcdefgh", format_="u", **fields):
    width = "q" if format_.isupper() else "i"
    return Node(format_, len(offsets) - 1, [None, packed(width, *offsets), data], **fields)


def listed(offsets, child=None, format_="+l", **fields):
    width = "q" if format_ == "+L" else "i"
    return Node(
        format_, len(offsets) - 1, [None, packed(width, *offsets)], [child or ints()], **fields
    )


def list_view(offset, size, format_="+vl"):
    width = "q" if format_ == "+vL" else "i"
    return Node(format_, 1, [None, packed(width, offset), packed(width, size)], [ints()])


def view(length, buffer=0, offset=0, sizes=(20,), data=bytes(20), **fields):
    views = packed("i", length, 0, buffer, offset)
    return Node("vu", 1, [None, views, data, packed("q", *sizes)], **fields)


def dense(ids, offsets, **fields):
    return Node(
        "+ud:5,0",
        len(ids),
        [packed("b", *ids), packed("i", *offsets)],
        [ints(name="u0"), ints(2, name="u1")],
        **fields,
    )


def runs(ends, values=4, length=4, format_="i", **fields):
    letter = {"s": "h", "i": "i", "l": "q"}[format_]
    end_array = Node(format_, len(ends), [None, packed(letter, *ends)], name="run_ends")
    return Node("+r", length, [], [end_array, ints(values, name="values")], **fields)


def indices(values, format_="c", letter="b", count=2, **fields):
    return Node(
        format_, len(values), [None, packed(letter, *values)], dictionary=ints(count), **fields
    )


def nested(depth):
    node = ints()
    for _ in range(depth):
        node = Node("+s", 4, [None], [node])
    return node


def of(length, count):
    return Node(f"+w:{count}", length, [None], [ints()])


# The column, and what must be said of it; {} is where column and batch are told.
LIES = {
    "length": (ints(-1), "the length is -1"),
    "offset": (ints(says={"offset": -7}), "the offset is -7"),
    "null count": (ints(says={"null_count": -2}), "the null count is -2"),
    "null count beyond": (ints(says={"null_count": 5}), "the null count is 5, of 4"),
    "sum": (
        ints(says={"offset": 2**63 - 2}),
        "offset 9223372036854775806 and length 4 are too large",
    ),
    "bytes": (ints(says={"offset": 2**61}), "too large together"),
    "buffers missing": (ints(says={"n_buffers": 1}), "1 buffers where format i has 2"),
    "buffers more": (ints(says={"n_buffers": 3}), "3 buffers where format i has 2"),
    "buffers negative": (ints(says={"n_buffers": -1}), "-1 buffers"),
    "buffers NULL": (ints(says={"buffers": None}), "the buffers are NULL"),
    "data NULL": (Node("i", 4, [None, None]), "buffer 1 is NULL, of 4 values"),
    "bool NULL": (Node("b", 4, [None, None]), "buffer 1 is NULL"),
    "validity NULL": (ints(says={"null_count": 2}), r"2 nulls, and buffer 0 \(validity\) is NULL"),
    "text NULL": (text([0, 3], None), "buffer 2 is NULL, and the offsets end at 3"),
    "children missing": (struct({"n_children": 0}), "0 children where"),
    "children negative": (struct({"n_children": -1}), "-1 children"),
    "children NULL": (struct({"children": None}), "the children are NULL"),
    "child NULL": (struct({"child": None}), "child 0 is NULL"),
    "child released": (struct({"child": "released"}), "child 0 is released"),
    "struct": (Node("+s", 4, [None], [ints(3)]), "child 0 has 3 values and must have 4"),
    "struct offset": (
        Node("+s", 3, [None], [ints()], says={"offset": 2}),
        "child 0 has 4 values and must have 5",
    ),
    "offset negative": (text([0, -5, 3]), "offset 1 is -5"),
    "offset first": (text([-1, 0]), "offset 0 is -1"),
    "offset falling": (text([0, 5, 3]), "offset 2 is 3, after one of 5"),
    "large offset": (text([0, -(2**40)], format_="U"), "offset 1 is -1099511627776"),
    "list beyond": (listed([0, 5]), "offset 1 is 5, and the child has 4 values"),
    "list falling": (listed([3, 2]), "offset 1 is 2, after one of 3"),
    "large list": (listed([0, 2**40], format_="+L"), "offset 1 is 1099511627776"),
    "map": (
        listed([0, 9], Node("+s", 4, [None], [ints(), ints()]), format_="+m"),
        "offset 1 is 9",
    ),
    "list view": (list_view(3, 2), "list 0 is at offset 3 with size 2, and the child has 4"),
    "list view offset": (list_view(-1, 0), "list 0 is at offset -1"),
    "list view size": (list_view(0, -1), "with size -1"),
    "large list view": (list_view(2**63 - 1, 2**63 - 1, "+vL"), "list 0 is at offset"),
    "fixed list": (of(3, 2), "child 0 has 4 values and must have 6"),
    "fixed list product": (
        Node("+w:2147483647", 2**40, [None], [ints()]),
        "lists of 2147483647 values are too many",
    ),
    "sparse union": (
        Node("+us:0", 4, [bytes(4)], [ints(3)]),
        "child 0 has 3 values and must have 4",
    ),
    "type id": (dense([5, 3], [0, 0]), "type id 1 is 3, which the union does not have"),
    "type id negative": (dense([-1], [0]), "type id 0 is -1"),
    "dense offset": (dense([0], [2]), "offset 0 is 2, and child 1 has 2 values"),
    "dense offset negative": (dense([5], [-1]), "offset 0 is -1"),
    "run ends short": (runs([2, 3]), "the runs end at 3, and must reach 4"),
    "run ends none": (runs([]), "the runs end at 0, and must reach 4"),
    "run ends falling": (runs([2, 2, 4]), "run end 1 is 2, after 2"),
    "run ends zero": (runs([0, 4], format_="s"), "run end 0 is 0, after 0"),
    "run ends negative": (runs([-4, 4], format_="l"), "run end 0 is -4"),
    "run values": (runs([1, 2, 4], values=2), "3 run ends, and 2 values"),
    "index": (indices([0, 2]), "index 1 is 2, and the dictionary has 2 values"),
    "index negative": (indices([-1]), "index 0 is -1"),
    "index unsigned": (indices([255], "C", "B"), "index 0 is 255"),
    "index wide": (indices([2**64 - 1], "L", "Q"), "index 0 is -1"),
    "view length": (view(-3), "view 0 has length -3"),
    "view buffer": (view(13, 1), "view 0 is in data buffer 1 of 1"),
    "view buffer negative": (view(13, -1), "view 0 is in data buffer -1"),
    "view offset": (view(13, 0, 8), "offset 8 with length 13, in a buffer of 20 bytes"),
    "view offset negative": (view(13, 0, -1), "offset -1 with"),
    "view size": (view(1, sizes=(-1,)), "data buffer 0 has size -1"),
    "view sizes NULL": (
        Node("vz", 1, [None, bytes(16), bytes(9), None]),
        r"buffer 3 \(sizes\) is NULL",
    ),
    "view data NULL": (view(13, data=None), "data buffer 0 is NULL, of 20 bytes"),
    "view buffers": (Node("vu", 0, [None, None]), "2 buffers where format vu has 3 or more"),
}

SCHEMAS = {
    "format NULL": (ints(schema={"format": None}), "the format is NULL"),
    "format unknown": (Node("?"), "no type has the format ?"),
    "format longer": (Node("ii"), "no type has the format ii"),
    "format lines": (Node("\n\x1b" * 40), r"no type has the format \?\?"),
    "format empty": (Node(""), "no type has the format "),
    "decimal": (Node("d:0,1"), "no type has the format d:0,1"),
    "decimal bits": (Node("d:9,1,48"), "no type has the format d:9,1,48"),
    "decimal precision": (Node("d:39,1"), "no type has the format d:39,1"),
    "width": (Node("w:-1"), "no type has the format w:-1"),
    "width large": (Node("w:99999999999"), "no type has the format w:99999999999"),
    "width none": (Node("w:"), "no type has the format w:"),
    "union": (Node("+us:1,1", 0, [b""], [ints(), ints()]), r"no type has the format \+us:1,1"),
    "union ids": (Node("+ud:128", 0, [b""], [ints()]), r"no type has the format \+ud:128"),
    "union children": (Node("+ud:0,1", 0, [b""], [ints()]), r"no type has the format \+ud:0,1"),
    "list": (Node("+l"), r"format \+l with 0 children"),
    "child": (Node("i", 0, [], [ints()]), "format i with 1 children"),
    "negative": (Node("+s", schema={"n_children": -1}), r"format \+s with -1 children"),
    "many": (Node("+s", schema={"n_children": 2**40}), "more than 1048576 fields"),
    "children NULL": (
        Node("+s", 0, [None], [ints()], schema={"children": None}),
        "the schema's children are NULL",
    ),
    "child NULL": (
        Node("+s", 0, [None], [ints()], schema={"child": None}),
        "a field's schema is NULL",
    ),
    "child released": (
        Node("+s", 0, [None], [ints()], schema={"child": "released"}),
        "a field's schema is released",
    ),
    "map": (Node("+m", 0, [None, None], [ints()]), "a map's entries must be structs of two"),
    "run ends": (Node("+r", 0, [], [Node("c"), ints()]), "run ends of format c"),
    "dictionary": (Node("u", dictionary=ints()), "a dictionary's indices have format u"),
    "depth": (nested(65), "nested deeper than 64"),
}


def fails(producer, pattern):
    with pytest.raises(LoaderError, match=pattern) as caught:
        Table(producer.stream)
    assert caught.value.code == 22
    producer.check_released()
    return str(caught.value)


@pytest.mark.parametrize("name", LIES)
def test_an_array_that_lies(name):
    column, said = LIES[name]
    fails(Producer([[column]]), f'^column "x[^"]*", batch 0: .*{said}')


# What is around these would be found too short first.
TOO_LONG = {"length", "sum", "fixed list product"}


@pytest.mark.parametrize("name", sorted(LIES.keys() - TOO_LONG))
def test_a_lie_below_and_later(name):
    """In the field of a struct of a list, in the third batch."""
    column, said = LIES[name]
    good = fair(column)
    deep = [
        [listed([0, 0], Node("+s", 0, [None], [each], name="item"), name="a")]
        for each in (good, good, column)
    ]
    fails(Producer(deep), f'^column "a.item.x[^"]*", batch 2: .*{said}')


def fair(node):
    """Of the same type, and empty."""
    buffers = {"vu": 3, "vz": 3, "u": 3, "U": 3, "+vl": 3, "+vL": 3, "+s": 1, "+r": 0}
    count = buffers.get(node.format, 1 if node.format[:2] in ("+w", "+u") else 2)
    count += node.format.startswith("+ud")
    return Node(
        node.format,
        0,
        [None] * count,
        [fair(child) for child in node.children],
        node.dictionary and fair(node.dictionary),
        name=node.name,
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_that_lies(name):
    column, said = SCHEMAS[name]
    message = fails(Producer([[column]]), said)
    assert message.isprintable()


def test_a_dictionary_that_is_missing():
    lost = indices([0])
    lost.says["dictionary"] = None
    fails(Producer([[lost]]), 'column "x", batch 0: no dictionary where the schema has one')
    gone = indices([0])
    gone.says["dictionary"] = "released"
    fails(Producer([[gone]]), 'column "x", batch 0: the dictionary is released')


def test_a_stream_of_no_structs():
    fails(Producer([[]], root="n"), "the stream's schema has format n: it must be a struct")


def test_a_root_that_lies():
    producer = Producer([[ints(3)]])
    producer.batch = lambda columns: Node("+s", 4, [None], columns)
    fails(producer, "^batch 0: child 0 has 3 values and must have 4")


def test_a_depth_that_is_fine():
    with Table(Producer([[nested(60)]]).stream) as table:
        assert len(table.take([3, 0])) == 2


@pytest.mark.parametrize("said", [b"the disk is gone", None, b"two\nlines"])
@pytest.mark.parametrize("fail_batch", [0, 1])
def test_get_next_that_fails(said, fail_batch):
    producer = Producer([[ints()], [ints()]], fail_batch=fail_batch, said=said)
    with pytest.raises(LoaderError) as caught:
        Table(producer.stream)
    text_of = (said or b"it gives no reason").decode().replace("\n", " ")
    assert str(caught.value) == f"the stream's get_next failed with 5: {text_of}"
    assert caught.value.code == 5
    producer.check_released()


def test_get_schema_that_fails():
    producer = Producer([[ints()]], fail_schema=12)
    with pytest.raises(LoaderError, match="get_schema failed with 12: the disk is gone"):
        Table(producer.stream)
    producer.check_released()


def test_a_stream_that_is_released():
    producer = Producer([[ints()]])
    Table(producer.stream).free()
    producer.check_released()
    with pytest.raises(LoaderError, match="the stream is released already"):
        Table(producer.stream)


def test_what_may_be_odd():
    """Not wrong, though it looks so."""
    zeros = Node("i", 0, [None, None])
    for column in (
        zeros,
        Node("u", 0, [None, None, None]),
        Node("+l", 0, [None, None], [zeros]),
        text([0, 0], None),
        text([7, 7], None),
        view(12, 99, 99),
        Node("vu", 1, [b"\0", packed("i", -1, 0, -1, -1), b"", packed("q", 0)]),
        indices([99]),
        Node("+vl", 1, [b"\0", packed("i", -9), packed("i", -9)], [ints()]),
        Node("n", 2**62),
        runs([1, 2**62], length=2**62, format_="l"),
        Node("w:0", 3, [None, None]),
        of(4, 0),
    ):
        if column.format == "c":
            column.buffers[0] = b"\0"
        producer = Producer([[column]])
        with Table(producer.stream) as table:
            rows = [0, len(table) - 1, 0] if len(table) else []
            taken = table.take(rows)
            taken.validate(full=True)
            assert len(taken) == len(rows)
        producer.check_released()


def in_child(action):
    """The exit status of a fork that does it."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(20)
            action()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_child_releases_nothing():
    producer = Producer([[ints()], [ints()]])
    table = Table(producer.stream)
    before = dict(producer.released)

    def free():
        assert table.take([0, 7]).to_pylist() == [{"x": 1}, {"x": 4}]
        table.free()
        assert producer.released == before

    assert in_child(free) == 0
    assert in_child(lambda: None) == 0
    assert producer.released == before and before["array"] == 0
    assert table.take([1]).to_pylist() == [{"x": 2}]
    table.free()
    producer.check_released()


def test_a_child_imports_for_itself():
    def work():
        producer = Producer([[ints()]])
        Table(producer.stream).free()
        producer.check_released()

    assert in_child(work) == 0


def test_what_was_taken_outlives_the_table_and_is_freed_in_a_child():
    producer = Producer([[indices([0, 1, 1])], [indices([1, 1], count=3)]])
    table = Table(producer.stream)
    taken = table.take([0, 4, 2])
    table.free()
    producer.check_released()

    def drop():
        nonlocal taken
        assert taken.to_pylist() == [{"x": 1}, {"x": 2}, {"x": 2}]
        del taken

    assert in_child(drop) == 0
    assert taken.to_pylist() == [{"x": 1}, {"x": 2}, {"x": 2}]
    taken.validate(full=True)
