"""Epochs by ranks and workers that change on the way. SPDX-License-Identifier: Apache-2.0"""

import itertools
from collections import Counter

import numpy
import pyarrow
from loaders import flat, table

from forkpolicy.loader import Loader, Permutation

WORLDS = 1, 2, 3, 4, 6
ENDS = "short", "drop_last", "pad"


def keep(batch):
    return batch


def _documents(rows):
    return pyarrow.table({"t": [list(range(n, n + 1 + n % 7)) for n in range(rows)]})


def _mixture(rows):
    other = pyarrow.table({"id": numpy.arange(-rows, 0), "x": numpy.zeros(rows)})
    sources = {"a": (table(rows), 0.6), "b": (Permutation.identity(other).shuffle(3), 0.4)}
    return Permutation.mixture(sources, seed=1, stop=rows).with_format("tensor")


def plan(chance):
    """What stays the same over a run: (source, options, end)."""
    rows = chance.randrange(1, 200)
    kind = chance.choice(["plain", "shuffle", "near", "mix", "pack"])
    options = {"shuffle": kind in ("shuffle", "near", "pack"), "epoch": chance.randrange(3)}
    options["global_batch_size"] = chance.randrange(1, 60)
    if kind == "near":
        options.update(shard=4, window=16)
    if kind == "pack":
        options.update(pack_sequences="t", sequence_length=8, pack_window=chance.choice([4, 64]))
    end = chance.choice(ENDS)
    if end != "short":
        options[end] = True
    sources = {"mix": _mixture, "pack": _documents}
    return sources.get(kind, table)(rows), options, end


def topology(chance):
    workers = chance.randrange(4)
    transform = chance.choice([None, keep])
    return chance.choice(WORLDS), {"workers": workers, "transform": transform, "prefetch": 1}


def units_of(batch):
    """What a batch has, as hashable values, one for each unit."""
    return batch["id"].tolist() if "id" in batch else [tuple(t) for t in batch["tokens"].tolist()]


def read(source, options, world, how, token, most=None):
    """(global batches, the tokens behind them) of one epoch behind a token, of all ranks."""
    batches, tokens = [], []
    for rank in range(world):
        loader = Loader(source, rank=rank, world_size=world, **options, **how)
        if token is not None:
            loader.resume(token)
        found, behind = [], [str(loader.token())]
        for batch in itertools.islice(loader, most):
            found.append(units_of(batch))
            behind.append(str(loader.token()))
        batches.append(found)
        tokens.append(behind)
    assert all(behind == tokens[0] for behind in tokens)
    assert len({len(found) for found in batches}) == 1
    return [flat(shares) for shares in zip(*batches)], tokens[0]


def expected(units, size, end):
    """The global batches of an epoch, by definition."""
    whole = [units[first : first + size] for first in range(0, len(units), size)]
    if whole and len(whole[-1]) < size and end == "drop_last":
        whole.pop()
    while whole and len(whole[-1]) < size and end == "pad":
        whole[-1] = (whole[-1] + units)[:size]
    return whole


def check(chance, pieces_most=1000):
    """An epoch by one topology at a time, in pieces, is the epoch as one process reads it."""
    source, options, end = plan(chance)
    alone = {**options, "drop_last": False, "pad": False, "global_batch_size": 1}
    units = flat(read(source, alone, 1, {"workers": 0}, None)[0])
    steps = expected(units, options["global_batch_size"], end)
    token, found, pieces = None, [], 0
    while len(found) < len(steps):
        world, how = topology(chance)
        most = chance.choice([None, 1, 2, chance.randrange(1, len(steps) + 1)])
        most = most if pieces + 1 < pieces_most else None
        said = options, world, how, token, most
        batches, tokens = read(source, options, world, how, token, most)
        assert batches == steps[len(found) : len(found) + (most or len(steps))], said
        found, token, pieces = found + batches, tokens[-1], pieces + 1
        assert len(token) <= 64
    if "pack_sequences" not in options and not isinstance(source, Permutation):
        counts = Counter(flat(found))
        whole = len(found) * options["global_batch_size"]
        assert sum(counts.values()) == (min(whole, len(units)) if end != "pad" else whole)
        assert end != "short" or set(counts.values()) <= {1} and len(counts) == len(units)
        assert end != "drop_last" or set(counts.values()) <= {1}
        assert end != "pad" or set(counts) == set(units)
    if found:
        assert token.startswith(f"fl1:{options['epoch'] + 1}:0:")
    return pieces
