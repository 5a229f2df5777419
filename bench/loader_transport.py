"""One batch of tensors, 1,024 rows of 524 bytes, from process to process: our ring and others, in
turn.

Usage: build/venv/peers/bin/python bench/loader_transport.py [ROUNDS]

The time of a batch where many are sent one after the other, from a process that has them ready to
one that only looks at one number of each. What is in it:

- ring, tensors: what a Loader's worker and reader do: put (the one copy, and the release of what
  was taken before), get, import, tensors, release
- ring, C structs: the same without import and tensors; by ctypes
- ring, one process: put, get and release of C structs, one after the other: nobody wakes anybody
- torch's queue: put and get of a dict of tensors; since a sent tensor stays in shared memory, each
  is a new one, filled by one memcpy
- mp.Queue: of a dict of numpy arrays
- memcpy: the same bytes into shared memory that has been written to before

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
import mmap
import multiprocessing
import signal
import statistics
import sys
import time

import numpy
import pyarrow
import torch
import torch.multiprocessing
from loader_rounds import alternate, duration, figure, head, line, save
from loader_trainer import BATCH, NAMES, arrow_of, columns_of

from forkpolicy.loader import Table
from forkpolicy.loader._library import RingBatch
from forkpolicy.loader.ring import Ring
from forkpolicy.loader.tensors import to_tensor

SLOTS, WAIT = 4, 10_000  # as a Loader has, of each worker; milliseconds
MANY = 40  # batches of a round
CONTEXT = multiprocessing.get_context("fork")
TENSORS, STRUCTS, ALONE = "ring, tensors", "ring, C structs", "ring, one process"
MEMCPY = "memcpy"
TORCH = {f"torch's queue, {how}": how for how in ("file_descriptor", "file_system")}
MOST_OF_MEMCPY, LEAST_OF_TORCH = 4, 40


PR_SET_PDEATHSIG, M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = 1, -1, -3
RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Between:
    """A writer process and this one, its reader: prepare(n), send(n) and receive(n)."""

    def __init__(self, send, receive, count, prepare=lambda count: None):
        self._receive, self._count = receive, count
        self._orders, orders = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=self._write, args=(orders, prepare, send))
        self._process.start()

    @staticmethod
    def _write(orders, prepare, send):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        while True:
            count = orders.recv()
            prepare(count)
            orders.send("ready")
            send(orders.recv())

    def __call__(self):
        """Seconds of a batch."""
        self._run(SLOTS)
        return self._run(self._count)

    def _run(self, count):
        self._orders.send(count)
        self._orders.recv()
        begun = time.perf_counter()
        self._orders.send(count)
        self._receive(count)
        return (time.perf_counter() - begun) / count

    def close(self):
        self._process.kill()
        self._process.join()


class RingEnds:
    """Of a ring; how: what the reader makes of the C structs."""

    def __init__(self, table, how=None):
        self._table, self._how = table, how
        self._ring = Ring(1, SLOTS, 1 << 24)
        self._sent = self._received = 0
        self._given = []

    def prepare(self, count):
        rows, columns = numpy.arange(BATCH, dtype=numpy.uint64), list(range(len(NAMES)))
        self._given = [self._table.take_raw(rows, columns) for _ in range(count)]

    def send(self, count):
        for array, schema in self._given:
            assert self._ring.put(0, RingBatch(sequence=self._sent), array, schema, WAIT)
            self._sent += 1

    def receive(self, count):
        for _ in range(count):
            _, array, schema = self._ring.get(0, self._received, WAIT)
            self._how(array, schema)
            self._received += 1

    def between(self):
        return Between(self.send, self.receive, MANY, self.prepare)

    def alone(self):
        self.prepare(MANY)
        begun = time.perf_counter()
        for array, schema in self._given:
            self._ring.put(0, RingBatch(sequence=self._sent), array, schema, WAIT)
            forget(*self._ring.get(0, self._sent, WAIT)[1:])
            self._sent += 1
        return (time.perf_counter() - begun) / MANY


def release(struct):
    """It is the last but one word of both structs."""
    RELEASE(struct[len(struct) - 2])(ctypes.addressof(struct))


def forget(array, schema):
    release(array)
    release(schema)


def as_tensors(table):
    """As units.py does."""
    fields = [table.field(number) for number in range(len(NAMES))]
    schema = pyarrow.schema(fields)

    def make(array, came):
        release(came)
        batch = pyarrow.RecordBatch._import_from_c(ctypes.addressof(array), schema)
        found = {
            field.name: to_tensor(column, field) for field, column in zip(fields, batch.columns)
        }
        assert int(found["id"][0]) == 0

    return make


def by_queue(queue, given):
    def send(count):
        for _ in range(count):
            queue.put(given())

    def receive(count):
        for _ in range(count):
            assert int(queue.get()["id"][0]) == 0

    return Between(send, receive, MANY)


def by_torch(columns, strategy):
    tensors = {name: torch.from_numpy(column) for name, column in zip(NAMES, columns)}
    queue = torch.multiprocessing.get_context("fork").Queue(SLOTS)

    def given():
        torch.multiprocessing.set_sharing_strategy(strategy)
        return {name: tensor.clone() for name, tensor in tensors.items()}

    return by_queue(queue, given)


def by_memcpy(columns):
    memory = mmap.mmap(-1, 1 << 20)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    parts, place = [], address
    for column in columns:
        parts.append((place, column.ctypes.data, column.nbytes))
        place += -(-column.nbytes // 64) * 64

    def measure():
        begun = time.perf_counter()
        for _ in range(200):
            for part in parts:
                ctypes.memmove(*part)
        return (time.perf_counter() - begun) / 200

    measure.memory = memory
    return measure


def keep_memory():
    """What is freed is not given back, as it is not by a worker that needs it again."""
    for option in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
        ctypes.CDLL(None).mallopt(option, 1 << 30)


def main(rounds):
    torch.set_num_threads(1)
    keep_memory()
    columns = columns_of(BATCH)
    table = Table(arrow_of(columns))
    contenders = {
        TENSORS: RingEnds(table, as_tensors(table)).between(),
        STRUCTS: RingEnds(table, forget).between(),
        **{who: by_torch(columns, strategy) for who, strategy in TORCH.items()},
        "mp.Queue, numpy": by_queue(CONTEXT.Queue(SLOTS), lambda: dict(zip(NAMES, columns))),
        ALONE: RingEnds(table).alone,
        MEMCPY: by_memcpy(columns),
    }
    try:
        found = alternate(contenders, rounds)
    finally:
        for each in contenders.values():
            if isinstance(each, Between):
                each.close()
    size = sum(column.nbytes for column in columns)
    cells = ["", "a batch (best)", "to ring, tensors (best)", "to memcpy (best)"]
    head(f"A batch of {size:,} bytes, {rounds} rounds:", cells)
    for who, seconds in found.items():
        ratios = [
            f"{statistics.median(seconds) / statistics.median(found[to]):.2f}"
            f" ({min(seconds) / min(found[to]):.2f})"
            for to in (TENSORS, MEMCPY)
        ]
        line([who, f"{duration(statistics.median(seconds))} ({duration(min(seconds))})", *ratios])
    figures = [figure("one batch", who, seconds) for who, seconds in found.items()]
    save("loader_transport", figures, batch=BATCH, bytes=size)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 21)
