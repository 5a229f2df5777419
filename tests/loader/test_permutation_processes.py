"""Permutations in other processes. SPDX-License-Identifier: Apache-2.0"""

import os
import pickle

import pyarrow
import pytest
from small_tables import ROWS, ids, numbers, wide

from forkpolicy.loader import Permutation, Permutations, Table, collate, permutation_builder


def batch_ids(batch):
    return batch["id"].to_pylist()


class TestProcesses:
    def permutations(self, tmp_path):
        path = tmp_path / "table.arrow"
        with pyarrow.ipc.new_file(path, wide(3000).schema) as writer:
            writer.write_table(wide(3000), max_chunksize=700)
        for source in (Table(path), Table(wide(3000))):
            made = permutation_builder(source).filter("id >= 10").split_random(ratios=[0.9], seed=1)
            found = Permutation.from_tables(source, made.shuffle(seed=2).execute())
            yield found.select({"id": "id", "vec": "vec", "twice": "id * 2"}).with_skip(7)

    def test_pickle(self, tmp_path):
        by_path, by_data = [
            (found, pickle.dumps(found.with_format("python")))
            for found in self.permutations(tmp_path)
        ]
        for found, pickled in (by_path, by_data):
            again = pickle.loads(pickled)
            assert (
                again.schema == found.schema and again[5] == found[5] and len(again) == len(found)
            )
        assert len(by_path[1]) + 30_000 < len(by_data[1])
        with pyarrow.ipc.new_file(tmp_path / "table.arrow", numbers().schema) as writer:
            writer.write_table(numbers())
        with pytest.raises(ValueError, match="has changed since the table was pickled"):
            pickle.loads(by_path[1])

    @pytest.mark.parametrize("pickled", ["shuffle", "repeat", "fold", "listed"])
    def test_pickle_of_rows(self, pickled):
        table = numbers()
        made = permutation_builder(table).split_kfold(4, seed=1).execute()
        found = {
            "shuffle": lambda: Permutation.identity(table).shuffle(1, epoch=2, clump_size=3),
            "repeat": lambda: Permutation.identity(table).with_repeat(2),
            "fold": lambda: Permutations(table, made).fold(1)[0],
            "listed": lambda: Permutation.from_tables(table, made.to_arrow(), 2),
        }[pickled]()
        assert ids(pickle.loads(pickle.dumps(found))) == ids(found)

    @pytest.mark.parametrize("context", ["fork", "spawn"])
    @pytest.mark.parametrize("form", ["python", "tensor", "arrow"])
    def test_dataloader(self, tmp_path, context, form):
        torch = pytest.importorskip("torch")
        if context == "spawn" and form != "tensor":
            pytest.skip("a start takes seconds")
        for found in self.permutations(tmp_path):
            expected = found.with_format("python_col").take_offsets(range(len(found)))["id"]
            dataset = (
                found.with_transform(batch_ids) if form == "arrow" else found.with_format(form)
            )
            loader = torch.utils.data.DataLoader(
                dataset, batch_size=256, num_workers=2, multiprocessing_context=context,
                collate_fn=None if form == "python" else collate,
            )  # fmt: skip
            seen = []
            for batch in loader:
                seen += batch if form == "arrow" else batch["id"].tolist()
            assert seen == expected

    def test_epochs_reach_workers(self):
        torch = pytest.importorskip("torch")
        dataset = Permutation.identity(numbers()).shuffle(1).with_format("tensor")
        loader = torch.utils.data.DataLoader(
            dataset,
            batch_size=50,
            num_workers=1,
            multiprocessing_context="fork",
            collate_fn=collate,
        )
        orders = []
        for epoch in (0, 1):
            dataset.set_epoch(epoch)
            orders.append([i for batch in loader for i in batch["id"].tolist()])
        assert orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1]) == list(
            range(ROWS)
        )

    def test_forked_children(self, tmp_path):
        found, _ = self.permutations(tmp_path)
        expected = ids(found)
        for _ in range(20):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    made = permutation_builder(numbers()).filter("id < 9").shuffle(seed=1).execute()
                    fine = ids(found) == expected and made.count_rows() == 9
                    del found, made
                    status = 0 if fine else 2
                finally:
                    os._exit(status)
            assert os.waitpid(child, 0)[1] == 0
        assert ids(found) == expected
