"""Rings of libforkloader by ctypes, and their batches by pyarrow.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes

import pyarrow
from library import Array, Error, Schema, check, library

SIZE, POINTER = ctypes.c_size_t, ctypes.c_void_p


class Batch(ctypes.Structure):
    _fields_ = [
        ("sequence", ctypes.c_uint64),
        ("kind", ctypes.c_uint32),
        ("is_copy", ctypes.c_uint32),
        ("values", ctypes.c_uint64 * 4),
    ]


COUNTS = ["batches", "bytes", "copies", "reader_waits", "reader_wait_ns"]
COUNTS += ["writer_waits", "writer_wait_ns"]


class Counts(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in COUNTS] + [
        (name, ctypes.c_uint32) for name in ("free", "filling", "ready", "held")
    ]


library.forkloader_ring_new.argtypes = [POINTER, SIZE, SIZE, ctypes.c_uint64, POINTER]
library.forkloader_ring_open.argtypes = [POINTER, ctypes.c_int, POINTER]
library.forkloader_ring_free.argtypes = [POINTER]
library.forkloader_ring_descriptor.argtypes = [POINTER]
IN_LANE = [POINTER, SIZE, ctypes.POINTER(Batch)]
library.forkloader_ring_put.argtypes = IN_LANE + [POINTER, POINTER, ctypes.c_int, POINTER]
library.forkloader_ring_get.argtypes = IN_LANE + [POINTER, POINTER, ctypes.c_int, POINTER]
library.forkloader_ring_put_bytes.argtypes = IN_LANE + [
    POINTER,
    POINTER,
    SIZE,
    ctypes.c_int,
    POINTER,
]
library.forkloader_ring_count.argtypes = [POINTER, SIZE, ctypes.POINTER(Counts)]


class Ring:
    """`descriptor`: of a ring that is there already."""

    def __init__(self, lanes=1, slots=3, slot_bytes=1 << 24, descriptor=None):
        self.pointer, error = POINTER(), Error()
        made = ctypes.byref(self.pointer)
        if descriptor is None:
            code = library.forkloader_ring_new(made, lanes, slots, slot_bytes, ctypes.byref(error))
        else:
            code = library.forkloader_ring_open(made, descriptor, ctypes.byref(error))
        check(code, error)

    @property
    def descriptor(self):
        return library.forkloader_ring_descriptor(self.pointer)

    def put_structs(self, sequence, array, schema, lane=0):
        error = Error()
        code = library.forkloader_ring_put(
            self.pointer,
            lane,
            Batch(sequence=sequence),
            ctypes.byref(array),
            ctypes.byref(schema),
            20000,
            ctypes.byref(error),
        )
        assert not array.release and not schema.release
        check(code, error)

    def put(self, sequence, batch, lane=0):
        """A record batch of pyarrow's."""
        array, schema = Array(), Schema()
        batch._export_to_c(ctypes.addressof(array), ctypes.addressof(schema))
        self.put_structs(sequence, array, schema, lane)

    def put_bytes(self, sequence, parts, lane=0):
        error = Error()
        sizes = (SIZE * len(parts))(*map(len, parts))
        pointers = (ctypes.c_char_p * len(parts))(*parts)
        code = library.forkloader_ring_put_bytes(
            self.pointer,
            lane,
            Batch(sequence=sequence),
            pointers,
            sizes,
            len(parts),
            20000,
            ctypes.byref(error),
        )
        check(code, error)

    def _get(self, kind, sequence, lane):
        batch, array, schema, error = Batch(sequence=sequence), Array(), Schema(), Error()
        code = library.forkloader_ring_get(
            self.pointer,
            lane,
            batch,
            ctypes.byref(array),
            ctypes.byref(schema),
            20000,
            ctypes.byref(error),
        )
        check(code, error)
        return kind._import_from_c(ctypes.addressof(array), ctypes.addressof(schema))

    def get(self, sequence, lane=0):
        """A record batch."""
        return self._get(pyarrow.RecordBatch, sequence, lane)

    def get_bytes(self, sequence, lane=0):
        array = self._get(pyarrow.Array, sequence, lane)
        assert array.type == pyarrow.uint8()
        return array.buffers()[1].to_pybytes()[: len(array)]

    def counts(self, lane=0):
        counts = Counts()
        assert library.forkloader_ring_count(self.pointer, lane, counts) == 0
        return counts

    def free(self):
        library.forkloader_ring_free(self.pointer)
        self.pointer = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.free()
