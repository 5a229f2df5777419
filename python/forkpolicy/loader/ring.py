# SPDX-License-Identifier: Apache-2.0
"""Rings: batches from worker processes, seen by the reader where they lie in shared memory.

A batch's slot goes back to its worker when nothing refers to the batch's memory any more.
"""

import ctypes
import errno
import io
import multiprocessing.reduction
import os
import pickle
import sys

import numpy
import pyarrow

from ._library import ADDRESS, ArrowArray, ArrowSchema, Error, Handle, RingBatch, RingCounts
from ._library import SIZE, call, library

AGAIN = errno.ETIMEDOUT, errno.EINTR
ALIGNMENT = 64


class Stopped(Exception):
    """The ring's reader has gone on without this worker."""


class Ring:
    """`lanes` workers with `slots` batches each, of `slot_bytes` at most. Pickled only for a
    process that is being started: by its descriptor."""

    def __init__(self, lanes, slots, slot_bytes):
        self._handle = Handle("ring")
        self.lanes = lanes
        call("ring_new", self._handle.pointer, lanes, slots, slot_bytes)

    @classmethod
    def _open(cls, lanes, descriptor):
        ring = cls.__new__(cls)
        ring._handle = Handle("ring")
        ring.lanes = lanes
        descriptor = descriptor.detach()
        try:
            call("ring_open", ring._handle.pointer, descriptor)
        finally:
            os.close(descriptor)
        return ring

    def __reduce__(self):
        descriptor = library.forkloader_ring_descriptor(self._handle.pointer)
        return Ring._open, (self.lanes, multiprocessing.reduction.DupFd(descriptor))

    def _try(self, name, lane, *arguments):
        """False: nothing came in time, or a signal did."""
        error = Error()
        code = getattr(library, f"forkloader_ring_{name}")(
            self._handle.pointer, lane, *arguments, error
        )
        if code in AGAIN:
            return False
        if code == errno.ECANCELED:
            raise Stopped
        if code:
            raise OSError(code, error.message.decode(errors="replace"))
        return True

    def put(self, lane, batch, array, schema, milliseconds):
        """An ArrowArray and its ArrowSchema, which are taken over where this is true."""
        return self._try("put", lane, batch, array, schema, milliseconds)

    def put_parts(self, lane, batch, parts, milliseconds):
        """Parts are what has the buffer protocol: contiguous, of any type."""
        arrays = [numpy.frombuffer(part, numpy.uint8) for part in parts]
        addresses = (ADDRESS * len(arrays))(*(array.ctypes.data for array in arrays))
        sizes = (SIZE * len(arrays))(*(array.nbytes for array in arrays))
        return self._try("put_bytes", lane, batch, addresses, sizes, len(arrays), milliseconds)

    def get(self, lane, sequence, milliseconds):
        """(RingBatch, ArrowArray, ArrowSchema), whose structs are to be imported; or None."""
        batch, array, schema = RingBatch(sequence=sequence), ArrowArray(), ArrowSchema()
        if not self._try("get", lane, batch, array, schema, milliseconds):
            return None
        return batch, array, schema

    def reap(self, process):
        """Gives back the slots of a process that has ended: how many."""
        return library.forkloader_ring_reap(self._handle.pointer, process)

    def stop(self):
        library.forkloader_ring_stop(self._handle.pointer)

    def counts(self):
        """A dict of counters, forkloader.h's forkloader_ring_counts, all lanes together."""
        found = []
        for lane in range(self.lanes):
            counts = RingCounts()
            library.forkloader_ring_count(self._handle.pointer, lane, counts)
            found.append(counts.read())
        return {name: sum(counts[name] for counts in found) for name in found[0]}


class _Memory:
    """Writable memory that lives as long as an Arrow array."""

    def __init__(self, array):
        self._array = array
        self.__array_interface__ = {
            "data": (array.buffers()[1].address, False),
            "shape": (len(array),),
            "typestr": "|u1",
            "version": 3,
        }


def _tensor(values, dtype, shape):
    import torch

    if not values.size:
        return torch.empty(shape, dtype=getattr(torch, dtype))
    return torch.from_numpy(values).view(getattr(torch, dtype)).reshape(shape)


class _Pickler(pickle.Pickler):
    def reducer_override(self, value):
        torch = sys.modules.get("torch")
        if torch is None or type(value) is not torch.Tensor:
            return NotImplemented
        if value.device.type != "cpu" or value.layout != torch.strided or value.requires_grad:
            return NotImplemented
        values = value.resolve_conj().resolve_neg().contiguous()
        # One value or none may have any stride.
        values = values.as_strided((values.numel(),), (1,)).view(torch.uint8).numpy()
        return _tensor, (values, str(value.dtype).split(".")[1], tuple(value.shape))


def to_parts(value):
    """Any object that can be pickled, as parts whose large ones (of arrays, tensors, Arrow) are its
    own memory."""
    text, buffers = io.BytesIO(), []
    _Pickler(text, protocol=5, buffer_callback=buffers.append).dump(value)
    parts = [text.getbuffer(), *(buffer.raw() for buffer in buffers)]
    sizes = numpy.array([len(parts), *(part.nbytes for part in parts)], numpy.int64)
    return [sizes, *parts]


def from_parts(array, schema):
    """The object; the arrays, tensors and Arrow in it are views of the ring's memory."""
    memory = numpy.asarray(
        _Memory(
            pyarrow.Array._import_from_c(ctypes.addressof(array), ctypes.addressof(schema))
        )
    )
    count = int(memory[:8].view(numpy.int64)[0])
    sizes = memory[8 : 8 + 8 * count].view(numpy.int64).tolist()
    first, parts = 8 + 8 * count, []
    for size in sizes:
        first = -(-first // ALIGNMENT) * ALIGNMENT
        parts.append(memory[first : first + size])
        first += size
    return pickle.loads(parts[0], buffers=parts[1:])
