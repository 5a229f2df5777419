# SPDX-License-Identifier: Apache-2.0
"""Devices: the tensors of a batch, in pinned memory or on an accelerator, copied by a thread."""

import sys

from .pool import ByThreads


class Move:
    """What becomes of a batch's tensors, also within dicts, lists and tuples.

    pin_memory: they are copied into page-locked memory, where torch finds an accelerator. device:
    they are copied to it: an argument of torch.device.
    """

    def __init__(self, pin_memory, device):
        self._pins, self._device = bool(pin_memory), device
        if self._pins or device is not None:
            import torch  # now, not at the first batch

            self._device = None if device is None else _device(torch, device)

    def over(self, source):
        """The source's batches, moved; the source itself where nothing is to be done."""
        pins = self._pins and _has_accelerator()
        device = self._device
        if device is not None and device.type == "cpu":
            device = None
        if not pins and device is None:
            return source
        return Moved(source, pins, device)


class Moved:
    """Batches of a source, of which one is moved while the one before it is used."""

    def __init__(self, source, pins, device):
        def move(item):
            step, batch, left_out = item
            return step, _of_tensors(batch, moved), left_out

        def moved(tensor):
            tensor = tensor.pin_memory() if pins and tensor.device.type == "cpu" else tensor
            return tensor if device is None else tensor.to(device, non_blocking=True)

        self._source, self._moved = source, ByThreads(source, move, 1, 1)

    def __next__(self):
        return next(self._moved)

    def counts(self):
        return self._source.counts()

    def spent(self):
        return self._source.spent()

    def close(self):
        self._source.close()
        self._moved.close()


def _device(torch, device):
    try:
        return torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"device must be one of torch's, not {device!r}: {error}") from None


def _has_accelerator():
    torch = sys.modules["torch"]
    found = getattr(torch, "accelerator", torch.cuda)
    return found.is_available()


def _of_tensors(value, function):
    torch = sys.modules["torch"]
    if isinstance(value, torch.Tensor):
        return function(value)
    if isinstance(value, dict):
        return {name: _of_tensors(part, function) for name, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_of_tensors(part, function) for part in value))
    if isinstance(value, (list, tuple)):
        return type(value)(_of_tensors(part, function) for part in value)
    return value
