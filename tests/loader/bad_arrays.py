"""Arrays made by hand, right or wrong, whose releases are counted.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
import os
import struct

from library import (
    GET_LAST_ERROR,
    GET_NEXT,
    GET_SCHEMA,
    RELEASE_ARRAY,
    RELEASE_SCHEMA,
    RELEASE_STREAM,
    Array,
    Schema,
    Stream,
)


def packed(format_, *values):
    return struct.pack(f"<{len(values)}{format_}", *values)


class Node:
    """A field's schema and its array of one batch: buffers are bytes or None."""

    def __init__(
        self,
        format_,
        length=0,
        buffers=(),
        children=(),
        dictionary=None,
        name="x",
        schema=(),
        says=(),
    ):
        self.format = format_
        self.length = length
        self.buffers = list(buffers)
        self.children = list(children)
        self.dictionary = dictionary
        self.name = name
        self.schema = dict(schema)  # what they say instead of the truth
        self.says = dict(says)


class Producer:
    """A stream of struct batches of nodes; counts what is released, and in which process."""

    def __init__(self, batches, **fields):
        self.kept = []
        self.batches = batches
        self.next = 0
        self.fail_schema = fields.pop("fail_schema", 0)
        self.fail_batch = fields.pop("fail_batch", None)
        self.code = fields.pop("code", 5)
        self.said = fields.pop("said", b"the disk is gone")
        self.root = fields.pop("root", "+s")
        self.released = {"stream": 0, "schema": 0, "array": 0}
        self.given = dict(self.released)
        self.releasers = {
            "stream": RELEASE_STREAM(self.release("stream")),
            "schema": RELEASE_SCHEMA(self.release("schema")),
            "array": RELEASE_ARRAY(self.release("array")),
        }
        self.stream = Stream(
            GET_SCHEMA(self.get_schema),
            GET_NEXT(self.get_next),
            GET_LAST_ERROR(self.get_last_error),
            self.releasers["stream"],
        )

    def release(self, kind):
        def released(pointer):
            self.released[kind] += 1
            pointer.contents.release = type(pointer.contents.release)()

        return released

    def keep(self, thing):
        self.kept.append(thing)
        return thing

    def pointers(self, kind, things):
        return self.keep((ctypes.POINTER(kind) * max(len(things), 1))(*map(ctypes.pointer, things)))

    def schema(self, node):
        schema = self.keep(Schema())
        schema.format = node.format.encode() if node.format is not None else None
        schema.name = node.name.encode()
        schema.flags = 2
        schema.n_children = len(node.children)
        children = [self.schema(child) for child in node.children]
        schema.children = self.pointers(Schema, children)
        if node.dictionary:
            schema.dictionary = ctypes.pointer(self.schema(node.dictionary))
        schema.release = self.releasers["schema"]
        for name, value in node.schema.items():
            set_field(schema, name, value)
        return schema

    def array(self, node):
        array = self.keep(Array())
        array.length = node.length
        array.null_count = -1
        array.n_buffers = len(node.buffers)
        array.n_children = len(node.children)
        buffers = self.keep((ctypes.c_void_p * max(len(node.buffers), 1))())
        for i, content in enumerate(node.buffers):
            if content is not None:
                buffers[i] = ctypes.addressof(self.keep(ctypes.create_string_buffer(content)))
        array.buffers = buffers
        array.children = self.pointers(Array, [self.array(child) for child in node.children])
        if node.dictionary:
            array.dictionary = ctypes.pointer(self.array(node.dictionary))
        array.release = self.releasers["array"]
        for name, value in node.says.items():
            set_field(array, name, value)
        return array

    def batch(self, columns):
        length = max((column.length for column in columns), default=0)
        return Node(self.root, max(length, 0), [None], columns)

    def get_schema(self, _, out):
        if self.fail_schema:
            return self.fail_schema
        schema = self.schema(self.batch(self.batches[0]))
        ctypes.memmove(out, ctypes.byref(schema), ctypes.sizeof(Schema))
        self.given["schema"] += 1
        return 0

    def get_next(self, _, out):
        if self.next == self.fail_batch:
            return self.code
        if self.next == len(self.batches):
            out.contents.release = RELEASE_ARRAY()
            return 0
        array = self.array(self.batch(self.batches[self.next]))
        self.next += 1
        ctypes.memmove(out, ctypes.byref(array), ctypes.sizeof(Array))
        self.given["array"] += 1
        return 0

    def get_last_error(self, _):
        self.kept.append(self.said)
        return None if self.said is None else ctypes.cast(self.said, ctypes.c_void_p).value

    def check_released(self):
        assert self.released == {**self.given, "stream": 1}, (os.getpid(), self.released)


def set_field(thing, name, value):
    """None: NULL; "child" and "dictionary": those are gone, or released."""
    if name in ("child", "dictionary"):
        if value == "released":
            below = thing.children[0] if name == "child" else thing.dictionary
            below.contents.release = type(below.contents.release)()
        elif name == "child":
            thing.children[0] = None
        else:
            thing.dictionary = None
    elif value is None:
        setattr(thing, name, None if name == "format" else type(getattr(thing, name))())
    else:
        setattr(thing, name, value)
