# SPDX-License-Identifier: Apache-2.0
"""A run that is killed in the middle of an epoch goes on from its checkpoint, and the model has seen
each row exactly once.

    $ python examples/resume.py
    the first run, with 2 workers, was ended by SIGKILL in its batch 24
    its checkpoint is of batch 20: epoch 0, 5120 of 10000 rows
    the second run, with 0 workers, went on there, to the epoch's end
    the model has seen 10000 rows, each once

A checkpoint is the model and the Loader's token together, in one file that is replaced as a whole:
what the first run did after batch 20 is lost with it, and done again. From the source tree:
PYTHONPATH=python, after make. Needs pyarrow, numpy and torch.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import pyarrow
import torch

from forkpolicy.loader import Loader

ROWS, BATCH = 10_000, 256
CHECKPOINT_EVERY, KILLED_IN = 5, 24  # batches


def make_loader(workers):
    table = pyarrow.table({"id": numpy.arange(ROWS), "x": numpy.linspace(0, 1, ROWS)})
    return Loader(table, BATCH, shuffle=True, seed=7, workers=workers)


def save(path, state):
    """All of it or nothing, whenever this process is killed."""
    torch.save(state, f"{path}.new")
    os.replace(f"{path}.new", path)


def train(path, workers, killed_in):
    """One epoch, or what is left of it. The model only counts how often it has seen each row."""
    loader = make_loader(workers)
    model = torch.zeros(ROWS, dtype=torch.int64)
    if os.path.exists(path):
        state = torch.load(path)
        model = state["model"]
        loader.load_state_dict(state["loader"])
    for number, batch in enumerate(loader, 1):
        model[batch["id"]] += 1
        if number == killed_in:
            os.kill(os.getpid(), signal.SIGKILL)
        if number % CHECKPOINT_EVERY == 0:
            save(path, {"model": model, "loader": loader.state_dict()})
    save(path, {"model": model, "loader": loader.state_dict()})


def run(path, workers, killed_in):
    """The training in a process of its own."""
    command = [sys.executable, __file__, str(path), str(workers), str(killed_in)]
    return subprocess.run(command).returncode


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "checkpoint.pt")
        ended = signal.Signals(-run(path, 2, KILLED_IN)).name
        print(f"the first run, with 2 workers, was ended by {ended} in its batch {KILLED_IN}")

        loader = make_loader(0)
        loader.load_state_dict(torch.load(path)["loader"])
        token = loader.token()
        place = f"epoch {token.epoch}, {token.units} of {ROWS} rows"
        print(f"its checkpoint is of batch {token.units // BATCH}: {place}")

        assert run(path, 0, 0) == 0
        print("the second run, with 0 workers, went on there, to the epoch's end")

        seen = torch.load(path)["model"]
        often = "each once" if bool((seen == 1).all()) else "NOT each once"
        print(f"the model has seen {int(seen.sum())} rows, {often}")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        train(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
