"""pin_memory and device. "meta" is a device of every torch, which keeps shapes alone.

SPDX-License-Identifier: Apache-2.0"""

import threading

import pyarrow
import pytest
import torch
from loaders import ROWS, flat, ids_of, table

from forkpolicy.loader import Loader, Masked, Ragged, devices, pool

pytestmark = pytest.mark.timeout(60)
LONG = 30
NO_ACCELERATOR = not torch.accelerator.is_available()


def with_id(batch):
    """What stays where it is says which batch it is."""
    return {**batch, "first": int(batch["id"][0])}


@pytest.mark.parametrize("making", [{}, {"workers": 2}, {"transform_threads": 2}])
def test_tensors_are_moved_and_the_order_stays(making):
    loader = Loader(table(), 10, transform=with_id, device="meta", **making)
    for _ in range(2):
        batches = list(loader)
        assert [batch["first"] for batch in batches] == list(range(0, ROWS, 10))
        assert {part.device.type for batch in batches for part in (batch["id"], batch["x"])} == {"meta"}
        assert [len(batch["id"]) for batch in batches] == 10 * [10] + [3]


def test_tensors_within_others():
    batch = {"list": pyarrow.array([[1, 2], None, [3]]), "text": pyarrow.array(["a", None, "b"])}
    (found,) = Loader(pyarrow.table(batch), 3, device=torch.device("meta"))
    assert isinstance(found["list"], Masked) and isinstance(found["list"].values, Ragged)
    assert found["list"].values.offsets.is_meta and found["list"].valid.is_meta

    def nest(batch):
        return [{"a": (batch["id"], "b")}] * len(batch["id"])

    (found,) = Loader(table(3), 3, transform=nest, device="meta")
    assert found[0]["a"][0].is_meta and found[0]["a"][1] == "b"


def test_a_batch_is_moved_by_a_thread_ahead(monkeypatch):
    moved, threads = threading.Semaphore(0), set()

    def of_tensors(batch, function, whole=devices._of_tensors):
        threads.add(threading.current_thread())
        moved.release()
        return whole(batch, function)

    monkeypatch.setattr(devices, "_of_tensors", of_tensors)
    loader = Loader(table(), 10, transform=with_id, device="meta")
    iteration = iter(loader)
    assert next(iteration)["first"] == 0
    assert moved.acquire(timeout=LONG) and moved.acquire(timeout=LONG)
    assert loader.token().units == 10  # not that of what is moved ahead
    iteration.close()
    assert threading.main_thread() not in threads
    for thread in threading.enumerate():
        if thread.name.startswith(pool.NAME):
            thread.join(LONG)
            assert not thread.is_alive()


@pytest.mark.parametrize("making", [{}, {"workers": 1}])
def test_nothing_is_to_be_done_for_the_cpu(making):
    expected = ids_of(Loader(table(), 10))
    loader = Loader(table(), 10, device="cpu", pin_memory=NO_ACCELERATOR, **making)
    iteration = iter(loader)
    assert not any(thread.name.startswith(pool.NAME) for thread in threading.enumerate())
    assert ids_of(iteration) == expected


class OfAnAccelerator:
    """Stands for a tensor: there is no pinned memory without an accelerator."""

    device = torch.device("cpu")

    def __init__(self):
        self.done = []

    def pin_memory(self):
        self.done.append("pinned")
        return self

    def to(self, device, non_blocking):
        self.done.append((device.type, non_blocking))
        return self


@pytest.mark.parametrize("device, done", [(None, ["pinned"]), ("cuda", ["pinned", ("cuda", True)])])
def test_where_there_is_an_accelerator(monkeypatch, device, done):
    monkeypatch.setattr(devices, "_has_accelerator", lambda: True)
    monkeypatch.setattr(torch, "Tensor", OfAnAccelerator)
    tensor = OfAnAccelerator()
    source = devices.Move(True, device).over(Batches([(0, {"x": tensor}, 0)]))
    assert next(source)[1] == {"x": tensor} and tensor.done == done
    source.close()


class Batches:
    def __init__(self, batches):
        self._batches = iter(batches)

    def __next__(self):
        return next(self._batches)

    def close(self):
        pass


@pytest.mark.parametrize("device", ["gpu", 1.5])
def test_a_device_that_is_none(device):
    with pytest.raises(ValueError, match=f"device must be one of torch's, not {device!r}"):
        Loader(table(), 10, device=device)


def test_an_error_comes_in_its_turn():
    def fails(batch):
        if 50 in batch["id"]:
            raise LookupError("no 50")
        return with_id(batch)

    given = []
    with pytest.raises(LookupError, match="no 50"):
        for batch in Loader(table(), 10, transform=fails, device="meta"):
            given.append(batch["first"])
    assert given == [0, 10, 20, 30, 40]


def test_the_format_decides_what_is_a_tensor():
    found = list(Loader(table(), 10, format="python", device="meta"))
    assert [row["id"] for row in flat(found)] == list(range(ROWS))
