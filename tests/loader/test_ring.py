"""Random tables of every type through a ring, held against pyarrow.

SPDX-License-Identifier: Apache-2.0
"""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow
import pytest
from library import LoaderError, Table
from random_tables import random_table
from ring_library import Ring
from test_take import same

TABLES = int(os.environ.get("FORKLOADER_TABLES", "300"))
GROUPS = 10


def batches_of(seed):
    """As they came: sliced, with offsets and nulls."""
    batches = random_table(random.Random(seed)).to_batches()
    return [batch.slice(seed % 3) if batch.num_rows > 9 else batch for batch in batches]


def check_same(got, batch):
    got.validate(full=True)
    assert got.schema.equals(batch.schema, check_metadata=True)
    assert got.num_rows == batch.num_rows
    for a, b in zip(got.columns, batch.columns):
        assert a.null_count == b.null_count
        assert a.equals(b) or same(a.to_pylist(), b.to_pylist()), b.type


def check_held(got, kept):
    """What is held stays as it is, while others come."""
    for batch, expected in kept:
        check_same(batch, expected)
    kept.append(got)
    del kept[:-2]


@pytest.mark.parametrize("group", range(GROUPS))
def test_random_batches(group):
    kept, sequence = [], 0
    with Ring(slots=4) as ring:
        for seed in range(group, TABLES, GROUPS):
            for batch in batches_of(seed):
                try:
                    ring.put(sequence, batch)
                    got = ring.get(sequence)
                    check_same(got, batch)
                    check_held((got, batch), kept)
                except Exception as error:
                    raise AssertionError(f"seed {seed}: {error}") from error
                sequence += 1
        assert ring.counts().copies == 0 and ring.counts().batches == sequence
        kept.clear()
        del got
        assert ring.counts().free == 4


@pytest.mark.parametrize("group", range(GROUPS))
def test_random_takes(group):
    """Arrays of the library's own, which are copied just once; views and copies of the slot."""
    for slots in (1, 3):
        with Ring(slots=slots) as ring:
            for seed in range(group, TABLES // 2, GROUPS):
                source = random_table(random.Random(seed))
                with Table(source) as table:
                    rows = range(len(table))
                    ring.put_structs(seed, *table.take_structs(rows))
                    got, taken = ring.get(seed), table.take(rows)
                check_same(got, pyarrow.RecordBatch.from_struct_array(taken))
            assert ring.counts().copies == (ring.counts().batches if slots == 1 else 0)
            assert ring.counts().free == (1 if slots == 1 else slots - 1)
            del got


def end_of(child):
    status = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(status)


def in_child(work):
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        signal.alarm(60)
        work()
        code = 0
    finally:
        os._exit(code)


@pytest.mark.parametrize("group", range(0, GROUPS, 3))
def test_random_batches_of_a_forked_child(group):
    every = [batch for seed in range(group, TABLES, GROUPS) for batch in batches_of(seed)]

    def put_all():
        for sequence, batch in enumerate(every):
            ring.put(sequence, batch)

    with Ring(slots=2) as ring:
        child = in_child(put_all)
        for sequence, batch in enumerate(every):
            check_same(ring.get(sequence), batch)
        assert end_of(child) == 0
        assert ring.counts().free == 2


OPENER = """
import os, sys
sys.path[:0] = sys.argv[2:]
import pyarrow
from ring_library import Ring
with Ring(descriptor=int(sys.argv[1])) as ring:
    ring.put(1, pyarrow.record_batch({"pid": [os.getpid()]}))
    assert ring.get(0).to_pydict() == {"text": ["a", None]}
"""


def test_a_program_that_inherits_the_descriptor():
    folder = str(Path(__file__).resolve().parent)
    with Ring() as ring:
        ring.put(0, pyarrow.record_batch({"text": ["a", None]}))
        command = [sys.executable, "-c", OPENER, str(ring.descriptor), folder]
        process = subprocess.Popen(command, pass_fds=[ring.descriptor])
        assert process.wait(60) == 0
        assert ring.get(1).to_pydict() == {"pid": [process.pid]}


def test_metadata_comes_through():
    child = pyarrow.field("x", pyarrow.int8(), nullable=False, metadata={b"deep": b"\0\1"})
    fields = [
        pyarrow.field("a", pyarrow.uuid(), nullable=False, metadata={"key": "value", "": ""}),
        pyarrow.field("", pyarrow.struct([child])),
        pyarrow.field("d", pyarrow.dictionary(pyarrow.int8(), pyarrow.string(), ordered=True)),
        pyarrow.field("m", pyarrow.map_(pyarrow.string(), pyarrow.int8(), keys_sorted=True)),
    ]
    schema = pyarrow.schema(fields, metadata={"of": "all", "Ünicode": "€" * 1000})
    columns = [
        pyarrow.array([b"0" * 16], pyarrow.uuid()),
        pyarrow.array([{"x": 1}], fields[1].type),
        pyarrow.DictionaryArray.from_arrays(
            pyarrow.array([0], pyarrow.int8()), ["v"], ordered=True
        ),
        pyarrow.array([[("k", 1)]], fields[3].type),
    ]
    with Ring() as ring:
        batch = pyarrow.record_batch(columns, schema=schema)
        ring.put(0, batch)
        check_same(ring.get(0), batch)
        assert ring.counts().free == 3


def test_batches_without_columns_or_rows():
    none = pyarrow.RecordBatch.from_struct_array(pyarrow.array([{}] * 7, pyarrow.struct([])))
    with Ring() as ring:
        for sequence, batch in enumerate(
            [none, none.slice(7), pyarrow.record_batch({"a": pyarrow.array([], pyarrow.string())})]
        ):
            ring.put(sequence, batch)
            check_same(ring.get(sequence), batch)


def test_columns_outlive_their_batch_and_the_ring():
    ring = Ring()
    ring.put(0, pyarrow.record_batch({"a": ["x", "y"], "b": [1, 2]}))
    column = ring.get(0).column(0)
    assert ring.counts().held == 1
    part = column.slice(1)
    ring.free()
    del column
    assert part.to_pylist() == ["y"]


def test_what_is_too_large_is_named():
    with Ring(slot_bytes=4096) as ring:
        with pytest.raises(LoaderError, match="a batch of .* a slot of the ring has 4096"):
            ring.put(0, pyarrow.record_batch({"a": ["x" * 5000]}))
        assert ring.counts().free == 3


def test_bytes():
    generator = random.Random(5)
    with Ring(slots=2, slot_bytes=1 << 20) as ring:
        for sequence in range(200):
            sizes = [generator.choice([0, 1, 63, 64, 65, 5000]) for _ in range(sequence % 6)]
            parts = [generator.randbytes(size) for size in sizes]
            ring.put_bytes(sequence, parts)
            got, at = ring.get_bytes(sequence), 0
            for part in parts:
                at = -(-at // 64) * 64
                assert got[at : at + len(part)] == part
                at += len(part)
            assert len(got) == at
        assert ring.counts().free == 2
