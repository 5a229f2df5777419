# SPDX-License-Identifier: Apache-2.0
"""Splits, shuffles and batches of Arrow tables, in any process that may fork.

The calls are those of ``lancedb.permutation``; docs/loader.md has what differs:

    from forkpolicy.loader import Permutations, permutation_builder

    splits = permutation_builder(table).split_random(ratios=[0.9, 0.1], seed=1).execute()
    for batch in Permutations(table, splits)[0].with_format("tensor").iter(1024):
        ...

Needs pyarrow, numpy and libforkloader.so (ImportError); torch, pandas and polars for their formats.
"""

from .builder import PermutationBuilder, permutation_builder
from .formats import collate
from .loader import Loader
from .locality import mixing
from .packing import PackedBlocks
from .permutation import Permutation
from .permutation_table import PermutationTable
from .permutations import Permutations
from .ranks import find_ranks
from .schedule import Schedule
from .sources.cache import cached
from .table import Table
from .tensors import Masked, Ragged, to_tensor
from .token import Token, fingerprint
from .workers import WorkerError

__all__ = [
    "Loader",
    "Masked",
    "PackedBlocks",
    "Permutation",
    "PermutationBuilder",
    "PermutationTable",
    "Permutations",
    "Ragged",
    "Schedule",
    "Table",
    "Token",
    "WorkerError",
    "cached",
    "collate",
    "find_ranks",
    "fingerprint",
    "mixing",
    "permutation_builder",
    "to_tensor",
]
