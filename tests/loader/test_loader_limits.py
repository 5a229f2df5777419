# SPDX-License-Identifier: Apache-2.0
"""Loaders that lack memory, descriptors or processes."""

import resource
import subprocess
import sys

import pytest
import torch  # noqa: F401 - its import is no part of the times here
from loaders import descriptors, environment, table

from forkpolicy.loader import Loader, WorkerError
from forkpolicy.loader import workers as module

pytestmark = pytest.mark.timeout(180)

LIMITED = """
import os, resource, sys
import numpy, pyarrow
from forkpolicy.loader import Loader

table = pyarrow.table({"id": numpy.arange(1000)})
loader = Loader(table, 10, format="arrow", workers=2, prefetch=2)
list(loader)
before = set(os.listdir("/proc/self/fd"))
limit, most = getattr(resource, sys.argv[1]), int(sys.argv[2])
if limit == resource.RLIMIT_NOFILE:
    most += len(before) - 1
resource.setrlimit(limit, (most, resource.getrlimit(limit)[1]))
try:
    list(loader)
    print("fine")
except Exception as error:
    print(type(error).__name__, error)
    del error
resource.setrlimit(limit, (resource.getrlimit(limit)[1],) * 2)
left = set(os.listdir("/proc/self/fd")) - before
assert len(left) in (0, 2), left  # multiprocessing leaves its first pipe where there is no second
loader.set_epoch(0)
assert sum(batch.num_rows for batch in loader) == 1000
"""


def limited(limit, most):
    command = [sys.executable, "-c", LIMITED, limit, str(most)]
    env = environment(ARROW_DEFAULT_MEMORY_POOL="system")
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=50)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.strip()


def test_limit_of_descriptors():
    said = [limited("RLIMIT_NOFILE", more) for more in (-1, 1, 3, 30)]
    assert said[0].startswith("OSError [Errno 24] no ring of 2 lanes of 4 slots of")
    assert all("Too many open files" in line for line in said[:3]) and said[3] == "fine"


def test_limits_of_memory():
    said = limited("RLIMIT_FSIZE", 1 << 20)
    assert said.startswith("OSError [Errno 27] no ring of 2 lanes of 4 slots of 268435456 bytes")
    said = limited("RLIMIT_AS", 2 << 30)
    assert said.startswith("MemoryError no ring of 2 lanes of 4 slots of 268435456 bytes")


def test_no_memory_for_a_slot(monkeypatch, capfd):
    """Neither for a batch nor for its error: the worker ends, and is named."""
    def put(*arguments):
        raise OSError(28, "no shared memory for a batch of 7 bytes")

    monkeypatch.setattr("forkpolicy.loader.ring.Ring.put", put)
    with pytest.raises(OSError, match="no shared memory for a batch of 7 bytes"):
        list(Loader(table(), 5, workers=2))
    assert capfd.readouterr().err == ""
    monkeypatch.setattr("forkpolicy.loader.ring.Ring.put_parts", put)
    with pytest.raises(WorkerError, match="worker 0 .* ended with status 1"):
        list(Loader(table(), 5, workers=2))


def test_no_process_can_be_started(monkeypatch):
    """Those that were are ended at once."""
    begun, start = [], module._start

    def limited_start(process):
        if len(begun) == 2:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        start(process)
        begun.append(process)

    monkeypatch.setattr(module, "_start", limited_start)
    before = descriptors()
    with pytest.raises(BlockingIOError) as raised:
        iter(Loader(table(), 5, workers=3))
    assert len(begun) == 2 and not any(process.is_alive() for process in begun)
    del raised
    begun.clear()
    assert descriptors() == before


def test_large_addresses_are_not_memory():
    """What a ring could have at most costs nothing before it is used."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    list(Loader(table(), 5, workers=2, prefetch=64, slot_bytes=1 << 32))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
