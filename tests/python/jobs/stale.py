# SPDX-License-Identifier: Apache-2.0
"""stale.py: what a child of lancedb finds in parking_lot's table of those who wait.

Whoever waits in lancedb is in the queue of a bucket of one hash table for the process, with a
record {key, next, ...} that is a thread-local variable; `key` is the address that it waits for, and
its hash is the number of the bucket (parking_lot_core 0.9). The symbols are stripped: the table is
known by its form, of which there must be one, and the records by their hash.

libc frees a thread's variables when it gives the stack to another one, and a child has the stacks
of its lost threads to give. So the child looks, starts THREADS threads that use memory, and looks
again.

Stdout, one JSON object: "lost": how many threads with such variables the child is without;
"records": how many records the child finds, "of_lost": how many of these lie in the variables of
lost threads, "places": where in them; "kept": how many are still there at the second look.
"""

import ctypes
import json
import os
import struct
import sys
import threading
import warnings
from pathlib import Path

import libraries
import stacks

HASH = 0x9E3779B97F4A7C15
BUCKET = 64
THREADS, BLOCKS = 64, 100
STACK = 2 << 20  # as lancedb's threads have
SLOT = 16
UNUSED = (1 << 64) - 1
PT_TLS = 7
RTLD_DI_TLS_MODID = 9
libc = ctypes.CDLL(None)


class Memory:
    """Of this process, as it is now; a child needs one of its own."""

    def __init__(self):
        self.file = os.open("/proc/self/mem", os.O_RDONLY)

    def read(self, address, size):
        try:
            return os.pread(self.file, size, address)
        except (OSError, OverflowError):
            return b""

    def words(self, address, count):
        """None where there is no memory."""
        read = self.read(address, 8 * count)
        return struct.unpack(f"{count}Q", read) if len(read) == 8 * count else None


class Library:
    """lancedb's library: its writable mappings, its number among those with thread-local data."""

    def __init__(self):
        maps = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
        ends = [[int(end, 16) for end in line[0].split("-")] for line in maps]
        ours = [index for index, line in enumerate(maps) if line[-1].endswith("_lancedb.abi3.so")]
        past = ours[-1] + 1  # .bss follows, without a name
        self.writable = [ends[i] for i in [*ours, past] if maps[i][1].startswith("rw")]
        library, number = ctypes.CDLL(maps[ours[0]][-1]), ctypes.c_size_t()
        handle = ctypes.c_void_p(library._handle)
        assert libc.dlinfo(handle, RTLD_DI_TLS_MODID, ctypes.byref(number)) == 0
        self.module = number.value
        self.thread_local_bytes = thread_local_bytes(maps[ours[0]][-1])


def thread_local_bytes(path):
    """The size of the library's PT_TLS segment."""
    with open(path, "rb") as file:
        header = file.read(64)
        size, count = struct.unpack_from("HH", header, 54)
        file.seek(struct.unpack_from("Q", header, 32)[0])
        segments = struct.iter_unpack("IIQQQQQQ", file.read(size * count))
        return next(segment[6] for segment in segments if segment[0] == PT_TLS)


def told(name):
    """An offset that libc tells debuggers, in bytes."""
    return (ctypes.c_uint32 * 3).in_dll(libc, f"_thread_db_{name}")[2]


def threads_of(memory, library):
    """Where the library's variables of each thread begin that libc has given a stack."""
    begin = ctypes.addressof(ctypes.c_char.in_dll(libc, "_rtld_global"))
    begin += told("rtld_global__dl_stack_used")
    (node,) = memory.words(begin, 1)
    while node != begin:
        (slots,) = memory.words(node - told("pthread_list") + told("pthread_dtvp"), 1)
        if memory.words(slots - SLOT, 1)[0] >= library.module:  # how many there are
            (place,) = memory.words(slots + SLOT * library.module, 1)
            if place != UNUSED:
                yield place
        (node,) = memory.words(node, 1)


class Table:
    """HashTable {entries, length, ...}; a bucket is {lock, first, last, ..., seed}, and the seed
    begins as the number of the bucket, counted from 1."""

    def __init__(self, entries, bits):
        self.entries = entries
        self.bits = bits

    def buckets(self, memory):
        for number in range(1 << self.bits):
            yield number, memory.words(self.entries + BUCKET * number, BUCKET // 8)

    def is_seeded(self, memory):
        buckets = [bucket for _, bucket in self.buckets(memory)]
        if None in buckets:
            return False
        seeded = [bucket[5] & 0xFFFFFFFF == index + 1 for index, bucket in enumerate(buckets)]
        return sum(seeded) > len(seeded) / 2

    def is_record(self, memory, number, record):
        words = memory.words(record, 1)
        return bool(words) and (words[0] * HASH & (1 << 64) - 1) >> (64 - self.bits) == number

    def records(self, memory):
        """[(number of the bucket, address)], along each queue as far as it holds."""
        found = []
        for number, (_, record, *_) in self.buckets(memory):
            while record and self.is_record(memory, number, record) and len(found) < 10_000:
                found.append((number, record))
                record = memory.words(record, 2)[1]
        return found


def find_table(memory, library):
    """The one to which a variable of the library points."""
    found = {}
    for begin, end in library.writable:
        for pointer in set(memory.words(begin, (end - begin) // 8)):
            words = memory.words(pointer, 4) if pointer % 8 == 0 else None
            for entries, length in zip(words[:-1], words[1:]) if words else ():
                bits = length.bit_length() - 1
                if 4 <= bits <= 16 and length == 1 << bits and entries and entries % BUCKET == 0:
                    table = Table(entries, bits)
                    if table.is_seeded(memory):
                        found[entries] = table
    (table,) = found.values()
    return table


def use_memory(size):
    """In THREADS threads at once, since libc divides its memory among threads."""
    together, used = threading.Barrier(THREADS), []

    def use():
        together.wait()
        used.extend(bytearray(b"\xff" * size) for _ in range(BLOCKS))
        together.wait()

    threading.stack_size(STACK)
    threads = [threading.Thread(target=use) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def look_in_child(table, lost, size):
    memory = Memory()
    records = table.records(memory)
    places = [
        record - begin for _, record in records for begin in lost if 0 <= record - begin < size
    ]
    use_memory(size)
    kept = sum(table.is_record(memory, *each) for each in records)
    return {
        "lost": len(lost),
        "records": len(records),
        "of_lost": len(places),
        "places": sorted(set(places)),
        "kept": kept,
    }


def main():
    warnings.simplefilter("ignore")  # that fork support is experimental
    rows = stacks.shuffled_rows()
    libraries.settle()
    stacks.read(rows, 0)
    memory, library = Memory(), Library()
    table, threads = find_table(memory, library), [*threads_of(memory, library)]
    child = os.fork()
    if child == 0:
        said = look_in_child(table, threads, library.thread_local_bytes)
        print(json.dumps(said), flush=True)
        os._exit(0)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main()
