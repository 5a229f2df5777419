# SPDX-License-Identifier: Apache-2.0
"""Ranks: which process of a training run this is, and of how many."""

import os
import re
import sys

from ._check import whole


def find_ranks(rank=None, world_size=None):
    """(rank, world_size): as given; else, the first that there is of

    - torch.distributed, where the process group is initialised;
    - Ray Train, in one of its workers;
    - RANK and WORLD_SIZE of the environment, as torchrun sets them;
    - (0, 1).

    Neither torch nor Ray is imported for it: who uses them has done so. Raises ValueError: one of
    the two without the other, or a rank that is not in [0, world_size).
    """
    if rank is not None or world_size is not None:
        if rank is None or world_size is None:
            missing = "rank" if rank is None else "world_size"
            raise ValueError(f"rank and world_size belong together: {missing} is missing")
        world_size = whole("world_size", world_size, 1)
        return whole("rank", rank, 0, world_size), world_size
    return _of_torch() or _of_ray() or _of_environment() or (0, 1)


def _of_torch():
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return None
    return distributed.get_rank(), distributed.get_world_size()


def _of_ray():
    train = sys.modules.get("ray.train")
    if train is None:
        return None
    try:
        context = train.get_context()
        rank, world_size = context.get_world_rank(), context.get_world_size()
    except RuntimeError:  # of newer releases, outside of a worker
        return None
    # Older ones say None, or 0 of 1, outside of a worker; inside, one rank alone needs no answer.
    return (rank, world_size) if world_size is not None and world_size > 1 else None


def _of_environment():
    found = {name: os.environ.get(name) for name in ("RANK", "WORLD_SIZE")}
    given = [name for name, value in found.items() if value]
    if not given:
        return None
    for name, value in found.items():
        if not value:
            raise ValueError(f"{given[0]} is set in the environment, {name} is not")
        if not re.fullmatch("[0-9]{1,19}", value):
            raise ValueError(f"{name}={value!r:.40} in the environment is no whole number")
    rank, world_size = int(found["RANK"]), int(found["WORLD_SIZE"])
    if not rank < world_size:
        raise ValueError(
            f"RANK={rank} in the environment is not less than WORLD_SIZE={world_size}: ranks count"
            " from 0"
        )
    return rank, world_size
