"""A rank of two, or one alone: a Loader's batches by way of accelerate, Fabric, Lightning and
transformers. Rank 0 prints, of each way, the rows that all ranks have had, or the error.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import sys

import numpy
import pyarrow
import torch
from torch.utils.data import DataLoader

from forkpolicy.loader import Loader, Permutation, collate

ROWS = 240
TABLE = pyarrow.table({"id": numpy.arange(ROWS), "x": numpy.arange(ROWS, dtype="f4")})


def loader():
    return Loader(TABLE, 20, shuffle=True, seed=1)


class Model(torch.nn.Module):
    """It notes the rows that it is given."""

    def __init__(self):
        super().__init__()
        self.layer, self.rows = torch.nn.Linear(1, 1), []

    def forward(self, id, x, **others):
        self.rows += id.tolist()
        return {"loss": self.layer(x.reshape(-1, 1)).mean()}


def of_accelerate(made):
    from accelerate import Accelerator

    prepared = Accelerator(cpu=True).prepare(made)
    return [row for batch in prepared for row in batch["id"].tolist()]


def prepared_loader():
    return of_accelerate(loader())


def prepared_permutation():
    source = Permutation.identity(TABLE).with_format("tensor")
    return of_accelerate(DataLoader(source, batch_size=20, shuffle=True, collate_fn=collate))


def prepared_dataset():
    return of_accelerate(DataLoader(loader().torch_dataset(), batch_size=None))


def fabric():
    from lightning.fabric import Fabric

    made = Fabric(accelerator="cpu", devices=1).setup_dataloaders(loader().torch_loader())
    return [row for batch in made for row in batch["id"].tolist()]


def lightning():
    import lightning as L

    class Module(L.LightningModule):
        def __init__(self):
            super().__init__()
            self.model = Model()

        def training_step(self, batch, number):
            return self.model(**batch)["loss"]

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.0)

    module = Module()
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    L.Trainer(max_epochs=1, accelerator="cpu", devices=1, **quiet).fit(module, loader())
    return module.model.rows


def transformers():
    from transformers import Trainer, TrainingArguments

    class OfLoader(Trainer):
        def get_train_dataloader(self):
            return loader()

    model, folder = Model(), sys.argv[1]
    arguments = TrainingArguments(
        folder, use_cpu=True, max_steps=ROWS // 20, report_to=[], save_strategy="no",
        logging_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    OfLoader(model, arguments, train_dataset=Permutation.identity(TABLE)).train()
    return model.rows


def main(ways):
    distributed = torch.distributed if int(os.environ.get("WORLD_SIZE", 1)) > 1 else None
    if distributed is not None:
        distributed.init_process_group("gloo")
    for way in ways:
        try:
            rows = globals()[way]()
        except Exception as error:
            print(json.dumps({"way": way, "error": f"{type(error).__name__}: {error}"}), flush=True)
            os._exit(3)  # the other rank would wait for this one
        if distributed is not None:
            every = [None] * distributed.get_world_size()
            distributed.all_gather_object(every, rows)
            rows = [row for part in every for row in part]
        if int(os.environ.get("RANK", 0)) == 0:
            print(json.dumps({"way": way, "rows": sorted(rows)}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[2:])
