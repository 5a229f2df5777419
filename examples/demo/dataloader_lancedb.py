"""A torch DataLoader with two fork workers over a lancedb table.

The parent's tokio threads are not in the workers, so the first batch never comes.
"""

import tempfile
import warnings

import lancedb
import pyarrow as pa
import torch
from lancedb.permutation import Permutation

warnings.filterwarnings("ignore")


def main():
    with tempfile.TemporaryDirectory() as folder:
        database = lancedb.connect(folder)
        rows = pa.table(
            {"id": pa.array(range(1000)), "x": pa.array([float(i) for i in range(1000)])}
        )
        table = database.create_table("rows", rows)
        batches = torch.utils.data.DataLoader(
            Permutation.identity(table),
            batch_size=100,
            num_workers=2,
            multiprocessing_context="fork",
            collate_fn=list,
        )
        print("batches:", sum(1 for _ in batches))


if __name__ == "__main__":
    main()
