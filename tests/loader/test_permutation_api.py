"""Permutations: columns, rows, other processes. SPDX-License-Identifier: Apache-2.0"""

import numpy
import pyarrow
import pytest
from small_tables import ROWS, builder, ids, numbers, wide

from forkpolicy.loader import Permutation, Permutations, permutation_builder


class TestChoosing:
    def permutation(self):
        made = builder().split_sequential(counts=[70, 30], split_names=["a", "b"]).execute()
        return numbers(), made

    @pytest.mark.parametrize(
        "split, kind, said",
        [
            (
                "c",
                ValueError,
                "on split `c` because split `c` is not defined in the permutation table",
            ),
            (5, ValueError, "No rows found in the permutation table for the given split"),
            (-1, ValueError, "No rows found in the permutation table for the given split"),
            (1.5, TypeError, "Invalid split: 1.5"),
        ],
    )
    def test_no_such_split(self, split, kind, said):
        with pytest.raises(kind, match=said):
            Permutation.from_tables(*self.permutation(), split)

    def test_without_names_or_table(self):
        with pytest.raises(ValueError, match="no split names are defined in the permutation table"):
            Permutation.from_tables(numbers(), builder().execute(), "c")
        with pytest.raises(ValueError, match="split `c` because no permutation table is provided"):
            Permutation.from_tables(numbers(), None, "c")
        with pytest.raises(
            ValueError, match="Permutation table must contain a column named row_id"
        ):
            Permutation.from_tables(numbers(), numbers())
        only = pyarrow.table({"row_id": pyarrow.array([1], pyarrow.uint64())})
        with pytest.raises(ValueError, match="must contain a column named split_id"):
            Permutation.from_tables(numbers(), only)
        assert len(Permutation.from_tables(numbers())) == ROWS

    def test_nothing_there(self):
        said = "No rows found in the permutation table for the given split"
        with pytest.raises(ValueError, match="^the table has no rows$"):
            Permutation.identity(numbers(0))
        with pytest.raises(ValueError, match=said):
            Permutation.from_tables(numbers(), builder().filter("id > 1000").execute())

    def test_table_of_another(self):
        with pytest.raises(ValueError, match="of a table of 100 rows, not 50"):
            Permutation.from_tables(numbers(50), builder().execute())
        with pytest.raises(ValueError, match="row_id 99 is no row of a base table of 50 rows"):
            Permutation.from_tables(numbers(50), builder().execute().to_arrow())

    def test_permutations(self):
        splits = Permutations(*self.permutation())
        assert splits.split_names == ["a", "b"] and splits.split_dict == {"a": 0, "b": 1}
        assert splits["a"].num_rows == splits[0].num_rows == splits.get_by_name("a").num_rows == 70
        with pytest.raises(ValueError, match="^No split named `z` found$"):
            splits["z"]
        with pytest.raises(TypeError, match="^Invalid split name or index: 1.5$"):
            splits[1.5]
        with pytest.raises(ValueError, match="No rows found"):
            splits[9]
        assert Permutations(numbers(), builder().execute()).split_names == []


class TestColumns:
    identity = Permutation.identity(wide())

    def test_what_it_is(self):
        found = Permutation.identity(numbers())
        assert found.schema == numbers().schema and found.shape == (ROWS, 2)
        assert found.column_names == ["id", "x"] and found.num_columns == 2
        assert found.num_rows == len(found) == ROWS and "100 rows" in repr(found)

    def test_select(self):
        found = self.identity.select_columns(["text", "id", "st.b.c", "_rowid"])
        assert found[3] == [{"text": "s3", "id": 3, "st.b.c": 1.5, "_rowid": 3}]
        assert found.select_columns(["st.b.c"])[3] == [{"st.b.c": 1.5}]
        for columns, said in [
            (["q"], "^Cannot select column `q` because it does not exist$"),
            (["st.q"], "Cannot select column `st.q` because it does not exist"),
            ([], "^Must select at least one column$"),
        ]:
            with pytest.raises(ValueError, match=said):
                found.select_columns(columns)
        with pytest.raises(ValueError, match="`flag` because it does not exist"):
            found.select_columns(["flag"])
        with pytest.raises(TypeError):
            found.select_columns("id")

    def test_select_sql(self):
        found = self.identity.select(
            {"twice": "id * 2", "c": "st.b.c", "id": "id + 1", "row": "_rowid"}
        )
        assert found[3] == [{"twice": 6, "c": 1.5, "id": 4, "row": 3}]
        assert found.select({"id": "id"})[3] == [{"id": 3}]  # SQL is over the table
        with pytest.raises(ValueError, match="Dynamic column _rowid cannot be used to select"):
            found.select({"_rowid": "id"})
        with pytest.raises(ValueError, match="nope"):
            found.select({"a": "nope + 1"})

    def test_remove_and_rename(self):
        found = Permutation.identity(numbers())
        assert found.remove_columns(["x", "nope"]).column_names == ["id"]
        assert found.rename_column("id", "k").column_names == ["x", "k"]
        assert found.rename_columns({"id": "k", "x": "y"})[1] == [{"k": 1, "y": 0.5}]
        assert found.column_names == ["id", "x"]
        renamed = self.identity.rename_column("st", "s").select_columns(["s.a"])
        assert renamed[2] == [{"s.a": 2}]
        for call, said in [
            (lambda: found.remove_columns(["x", "id"]), "^Cannot remove all columns$"),
            (
                lambda: found.rename_column("q", "k"),
                "^Cannot rename column `q` because it does not exist$",
            ),
            (
                lambda: found.rename_column("id", "x"),
                "^Cannot rename column `id` to `x` because a column with that name already exists$",
            ),
        ]:
            with pytest.raises(ValueError, match=said):
                call()

    def test_flatten(self):
        found = self.identity.select_columns(["id", "st"]).flatten()
        assert found[2] == [{"id": 2, "st.a": 2, "st.b.c": 1.0}]


class TestRows:
    def orders(self):
        table = numbers()
        shuffled = permutation_builder(table).shuffle(seed=1).execute()
        half = permutation_builder(table).filter("id % 2 = 0").shuffle(seed=1).execute()
        yield Permutation.identity(table)
        yield Permutation.from_tables(table, shuffled)
        yield Permutation.from_tables(table, shuffled.to_arrow())
        yield Permutation.from_tables(table, half)
        yield Permutation.identity(table).shuffle(2)
        yield Permutation.identity(table).with_repeat(2)

    def test_skip_and_take_are_honoured_everywhere(self):
        for whole in self.orders():
            all_ids = ids(whole)
            part = whole.with_skip(10).with_take(20).with_skip(5)
            expected = all_ids[15:30]
            assert ids(part) == expected and len(part) == 15 == part.num_rows == part.shape[0]
            assert [part[i][0]["id"] for i in range(15)] == expected
            picked = [r["id"] for r in part.__getitems__([14, 0, 3, 4, 5, 3])]
            assert picked == [expected[i] for i in (14, 0, 3, 4, 5, 3)]
            assert [r["id"] for r in part.take_offsets([2, 2])] == [expected[2]] * 2
            assert sorted(part.unique("id")) == sorted(set(expected))
            assert sorted(ids(part.shuffle(3))) == sorted(expected)
            for wrong in (15, -1):
                with pytest.raises(IndexError, match=f"offset {wrong} is out of range for 15 rows"):
                    part[wrong]

    def test_window_errors(self):
        found = Permutation.identity(numbers())
        assert found.with_skip(100).num_rows == 0 and list(found.with_take(0).iter(3)) == []
        for call, said in [
            (lambda: found.with_skip(101), "Offset is greater than"),
            (lambda: found.with_take(101), "Limit is greater than"),
            (lambda: found.with_skip(90).with_take(20), r"Offset \+ limit is greater than"),
        ]:
            with pytest.raises(
                ValueError, match=f"^{said} the number of rows in the permutation table$"
            ):
                call()

    def test_batches(self):
        found = Permutation.identity(numbers())
        assert [len(b) for b in found] == [100]
        assert [len(b) for b in found.with_batch_size(30)] == [30] * 3
        assert [len(b) for b in found.iter(30)] == [30, 30, 30, 10]
        assert [len(b) for b in found.iter(30, skip_last_batch=True)] == [30] * 3
        assert list(found.iter(300, True)) == []
        for call in (lambda: found.with_batch_size(0), lambda: found.iter(0)):
            with pytest.raises(ValueError, match="batch_size must be at least 1"):
                call()

    def test_offsets(self):
        found = Permutation.identity(numbers())
        assert found.take_offsets([]) == []
        empty = found.with_format("arrow").take_offsets([])
        assert empty.schema == found.schema and empty.num_rows == 0
        assert found.take_offsets(numpy.array([3], numpy.uint8))[0]["id"] == 3
        for wrong in ([0.5], [[1]], ["a"]):
            with pytest.raises(TypeError):
                found.take_offsets(wrong)

    def test_repeat_unique_map(self):
        found = Permutation.identity(numbers()).with_take(3)
        assert ids(found.with_repeat(2)) == ids(found.repeat(2)) == [0, 1, 2, 0, 1, 2]
        assert found.with_repeat(2).unique() == [0, 1, 2] and len(found.with_repeat(0)) == 0
        mapped = found.with_format("numpy").map(len).map(lambda n: n + 1)
        assert mapped[0] == 2 and found[0] == [{"id": 0, "x": 0.0}]

    def test_epochs(self):
        table = numbers()
        for found in (
            Permutation.from_tables(table, permutation_builder(table).shuffle(seed=1).execute()),
            Permutation.identity(table).shuffle(1).with_skip(10),
        ):
            orders = []
            for epoch in (0, 1, 0):
                found.set_epoch(epoch)
                orders.append(ids(found))
            assert orders[0] == orders[2] != orders[1]
        assert ids(Permutation.identity(table).shuffle(1, epoch=1).with_skip(10)) == orders[1]
        still = Permutation.identity(table)
        still.set_epoch(5)
        assert ids(still) == list(range(ROWS))
