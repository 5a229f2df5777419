"""Builder, permutations and formats of forkpolicy.loader. SPDX-License-Identifier: Apache-2.0"""

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy
import pyarrow
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "python"))

from forkpolicy.loader import (  # noqa: E402
    Masked,
    Permutation,
    Permutations,
    Ragged,
    Table,
    collate,
    permutation_builder,
)

ROWS = 100


def numbers(rows=ROWS):
    return pyarrow.table({"id": range(rows), "x": [i / 2 for i in range(rows)]})


def wide(rows=ROWS):
    ids = range(rows)
    some = [None if i % 4 == 1 else i for i in ids]
    vector = pyarrow.list_(pyarrow.float32(), 3)
    return pyarrow.table(
        {
            "id": ids,
            "small": pyarrow.array(some, pyarrow.uint16()),
            "flag": [i % 3 == 0 for i in ids],
            "flags": [None if i is None else i % 3 == 0 for i in some],
            "text": [f"s{i}" for i in ids],
            "vec": pyarrow.array([[i, i + 1, i + 2] for i in ids], vector),
            "vecs": pyarrow.array([None if i is None else [i, None, i] for i in some], vector),
            "list": [list(range(i % 3)) for i in ids],
            "views": pyarrow.array(
                [[i] * (i % 3) for i in ids], pyarrow.list_view(pyarrow.int32())
            ),
            "st": [{"a": i, "b": {"c": i / 2}} for i in ids],
            "when": pyarrow.array(ids, pyarrow.timestamp("us")),
            "word": pyarrow.array([f"w{i % 3}" for i in ids]).dictionary_encode(),
        }
    )


def builder(rows=ROWS):
    return permutation_builder(numbers(rows))


def ids(permutation):
    return [row["id"] for batch in permutation.iter(7) for row in batch]


def sizes(rows, **how):
    both = [
        builder(rows).split_sequential(**how).execute().splits,
        builder(rows).split_random(seed=1, **how).execute().splits,
    ]
    assert both[0] == both[1]
    return both[0]


class TestSizes:
    @pytest.mark.parametrize(
        "rows, how, expected",
        [
            (100, {"ratios": [0.3, 0.7]}, [30, 70]),
            (70, {"ratios": [0.3, 0.41]}, [21, 29]),
            (50, {"ratios": [0.217, 0.168, 0.17]}, [11, 8, 9]),
            (50, {"counts": [5, 15, 10]}, [5, 15, 10]),
            (50, {"fixed": 3}, [16, 16, 16]),
            (10, {"fixed": 3}, [3, 3, 3]),
            (100, {"fixed": 4}, [25] * 4),
        ],
    )
    def test_vectors(self, rows, how, expected):
        assert sizes(rows, **how) == expected

    @pytest.mark.parametrize(
        "how, said",
        [
            ({"ratios": [1.5]}, "Split percentages must be between 0.0 and 1.0"),
            ({"ratios": [-0.1]}, "Split percentages must be between 0.0 and 1.0"),
            ({"ratios": [0.001]}, "One of the splits has 0.1% of 100 rows which rounds to 0 rows"),
            ({"ratios": [0.8, 0.5]}, "Split percentages must sum to 1.0 or less"),
            ({"counts": [80, 50]}, "Split counts specified 130 rows but only 100 are available"),
            ({"counts": [80, 0]}, "Split counts must be greater than 0"),
            ({"fixed": 101}, "Split fixed config specified 101 splits but only 100 rows are"),
        ],
    )
    def test_lancedb_errors(self, how, said):
        with pytest.raises(ValueError, match=re.escape(said)):
            builder().split_random(**how).execute()

    @pytest.mark.parametrize(
        "call, said",
        [
            (lambda b: b.split_random(fixed=0), "fixed must be at least 1, not 0"),
            (lambda b: b.split_sequential(ratios=[]), "ratios must not be empty"),
            (lambda b: b.split_sequential(counts=[]), "counts must not be empty"),
            (lambda b: b.split_sequential(counts=[-1]), "counts must be at least 0, not -1"),
            (lambda b: b.shuffle(clump_size=0), "clump_size must be at least 1, not 0"),
            (lambda b: b.split_random(fixed=1, clump_size=0), "clump_size"),
            (lambda b: b.shuffle(seed=-1), "seed must be at least 0"),
            (lambda b: b.split_hash(["id"], [1], discard_weight=None), "discard_weight"),
            (lambda b: b.split_hash([], [1]), "Hash strategy requires at least one column"),
            (
                lambda b: b.split_hash(["id"], []),
                "Hash strategy requires at least one split weight",
            ),
            (lambda b: b.split_hash(["id"], [1, 0]), "Split weights must be greater than 0"),
            (lambda b: b.split_random(fixed=3, split_names=["a"]), "split_names .*: 1 of 3"),
            (lambda b: b.split_hash(["id"], [1], split_names=["a", "b"]), "split_names .*: 2 of 1"),
            (lambda b: b.split_random(fixed=2, split_names=["a", "a"]), "split_names .* twice"),
            (lambda b: b.split_kfold(1), "k must be at least 2"),
            (lambda b: b.split_stratified(["id"], []), "ratios must not be empty"),
        ],
    )
    def test_refused_at_the_call(self, call, said):
        with pytest.raises(ValueError, match=said):
            call(builder())

    @pytest.mark.parametrize("how", [{}, {"ratios": [0.5], "fixed": 2}])
    @pytest.mark.parametrize("name", ["split_random", "split_sequential"])
    def test_exactly_one(self, name, how):
        said = "^Exactly one of 'ratios', 'counts', or 'fixed' must be provided$"
        with pytest.raises(ValueError, match=said):
            getattr(builder(), name)(**how)

    @pytest.mark.parametrize(
        "call",
        [lambda b: b.split_hash("id", [1]), lambda b: b.filter(3), lambda b: b.shuffle(seed="x")],
    )
    def test_types(self, call):
        with pytest.raises(TypeError):
            call(builder())


class TestBuilder:
    def test_consumed(self):
        made = builder()
        made.execute()
        with pytest.raises(RuntimeError, match="^Builder already consumed$"):
            made.execute()

    def test_default_is_the_table(self):
        made = builder().execute()
        assert made.splits == [ROWS] and made.split_names == []
        assert made.to_arrow().column("row_id").to_pylist() == list(range(ROWS))

    def test_table_is_lancedbs(self):
        made = builder().split_sequential(counts=[2, 1], split_names=['a"', "b"]).execute()
        expected = pyarrow.schema(
            [
                pyarrow.field("row_id", pyarrow.uint64()),
                pyarrow.field("split_id", pyarrow.uint64(), nullable=False),
            ]
        )
        assert made.schema == made.to_arrow().schema == expected
        assert made.schema.metadata == {b"split_names": b'["a\\"","b"]'}
        assert made.to_arrow().to_pydict() == {"row_id": [0, 1, 2], "split_id": [0, 0, 1]}
        assert pyarrow.table(made).equals(made.to_arrow())
        assert made.count_rows() == len(made) == 3 and builder().execute().schema.metadata is None

    def test_the_last_setter_holds(self):
        made = (
            builder().split_random(fixed=7, split_names=list("abcdefg")).split_sequential(fixed=2)
        )
        made = made.filter("id < 5").filter("id < 20").execute()
        assert made.splits == [10, 10] and made.split_names == []

    def test_filter_first_then_split_then_shuffle(self):
        made = builder().shuffle(seed=3).split_sequential(ratios=[0.5, 0.5]).filter("id % 2 = 0")
        made = made.execute()
        splits = [ids(split) for split in Permutations(numbers(), made)]
        assert [sorted(split) for split in splits] == [
            list(range(0, 50, 2)),
            list(range(50, 100, 2)),
        ]
        assert splits[0] != sorted(splits[0])

    def test_random_split_is_a_partition(self):
        made = builder().split_random(ratios=[0.5, 0.3], seed=4).execute()
        splits = [ids(split) for split in Permutations(numbers(), made)]
        assert [len(split) for split in splits] == [50, 30]
        assert len(set(splits[0] + splits[1])) == 80

    def test_clumps(self):
        found = ids(
            Permutation.from_tables(numbers(), builder().shuffle(seed=1, clump_size=10).execute())
        )
        assert sorted(found) == list(range(ROWS)) != found
        assert all(found[i] + 1 == found[i + 1] for i in range(ROWS) if i % 10 != 9)

    def test_seeds(self):
        def order(**how):
            return builder().shuffle(**how).execute().to_arrow()["row_id"].to_pylist()

        assert order(seed=5) == order(seed=5) != order(seed=6)
        assert order() != order()

    def test_hash_is_by_value(self):
        table = pyarrow.table({"id": range(1000), "user": [i % 50 for i in range(1000)]})
        for name in "split_hash", "split_group":
            made = getattr(permutation_builder(table), name)(
                ["user"], [8, 1, 1], split_names=list("abc")
            )
            splits = Permutations(table, made.execute())
            users = [{i % 50 for i in ids(split)} for split in splits]
            assert sum(map(len, users)) == len(set.union(*users)) == 50
        discarded = permutation_builder(table).split_hash(["id"], [1], discard_weight=1).execute()
        assert 400 < discarded.count_rows() < 600

    def test_hash_of_fields_and_unknown_columns(self):
        assert (
            permutation_builder(wide()).split_hash(["st.a", "vec"], [1, 1]).execute().count_rows()
            == ROWS
        )
        with pytest.raises(ValueError, match="nope"):
            builder().split_hash(["nope"], [1]).execute()
        with pytest.raises(ValueError, match="nope"):
            builder().filter("nope = 3").execute()

    @pytest.mark.parametrize(
        "build",
        [
            lambda b: b.filter("id < 5\0 AND nope"),
            lambda b: b.split_hash(["id\0x"], [1]),
            lambda b: b.split_calculated("id % 2\0 nope"),
        ],
    )
    def test_text_is_not_cut_at_a_nul(self, build):
        with pytest.raises(ValueError, match="has a NUL at character"):
            build(builder()).execute()

    def test_calculated(self):
        made = builder().split_calculated("id % 3", split_names=list("abc")).execute()
        assert made.splits == [34, 33, 33] and made.schema.names == ["row_id", "split_id"]
        splits = [ids(split) for split in Permutations(numbers(), made)]
        assert splits == [list(range(i, 100, 3)) for i in range(3)]
        some = permutation_builder(wide()).split_calculated("small % 2").execute()
        assert some.count_rows() == 75  # null is in no split
        filtered = builder().filter("id >= 50").split_calculated("id % 2").execute()
        assert filtered.splits == [25, 25]

    @pytest.mark.parametrize(
        "sql, names, said",
        [
            ("id - 1", None, "split -1: splits are numbered from 0"),
            ("id * 1000000", None, "split 2000000"),
            ("id % 3", ["a", "b"], "gives split 2, split_names has 2"),
            ("id / 2.0", None, "not integers"),
        ],
    )
    def test_calculated_is_checked(self, sql, names, said):
        with pytest.raises(ValueError, match=said):
            builder().split_calculated(sql, names).execute()

    def test_stratified(self):
        table = pyarrow.table({"id": range(1000), "label": [i % 7 == 0 for i in range(1000)]})
        made = permutation_builder(table).split_stratified(["label"], [0.8, 0.1], seed=1).execute()
        assert made.splits == [800, 100]
        true = [sum(i % 7 == 0 for i in ids(split)) for split in Permutations(table, made)]
        assert abs(true[0] - 143 * 0.8) < 2 and abs(true[1] - 14.3) < 2
        again = permutation_builder(table).split_stratified(["label"], [0.8, 0.1], seed=1).execute()
        assert again.to_arrow().equals(made.to_arrow())
        other = permutation_builder(table).split_stratified(["label"], [0.8, 0.1], seed=2).execute()
        assert not other.to_arrow().equals(made.to_arrow())

    def test_strata_of_one_row(self):
        made = builder().split_stratified(["id"], [0.5, 0.25], seed=1).execute()
        assert made.splits == [50, 25]

    def test_folds(self):
        folds = Permutations(numbers(), builder().split_kfold(3, seed=1).execute())
        assert [len(fold) for fold in folds] == [34, 33, 33] and len(folds) == 3
        for number in range(3):
            train, test = folds.fold(number)
            assert sorted(ids(train) + ids(test)) == list(range(ROWS)) and len(train) == ROWS - len(
                test
            )
        with pytest.raises(ValueError, match="k: 200 folds of 100 rows"):
            builder().split_kfold(200).execute()

    def test_persist(self, tmp_path):
        path = tmp_path / "permutation.arrow"
        made = (
            builder().split_random(fixed=2, seed=1, split_names=["a", "b"]).persist(path).execute()
        )
        assert pyarrow.ipc.open_file(path).read_all().equals(made.to_arrow())
        assert os.listdir(tmp_path) == [path.name]
        for source in path, str(path), made.to_arrow():
            assert ids(Permutation.from_tables(numbers(), source, "b")) == ids(
                Permutations(numbers(), made)["b"]
            )

    def test_no_memory(self):
        made = permutation_builder(pyarrow.table({"n": pyarrow.nulls(50_000_000)}))
        made = made.split_random(ratios=[0.9, 0.1], seed=1).shuffle(seed=2).execute()
        assert len(pickle.dumps(made)) < 1000 and made.splits == [45_000_000, 5_000_000]


class TestTables:
    def test_sources(self, tmp_path):
        table = numbers()
        path = tmp_path / "table.arrow"
        with pyarrow.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=30)

        class Lance:
            def to_arrow(self):
                return table

        polars = pytest.importorskip("polars")
        sources = [table, table.to_batches()[0], table.to_reader(), path, str(path), Lance()]
        sources += [polars.from_arrow(table), Table(table)]
        for source in sources:
            assert ids(Permutation.identity(source)) == list(range(ROWS))

    @pytest.mark.parametrize("source", [3, None, [1], {"a": 1}, {1: [1]}, pyarrow.array([1])])
    def test_no_table(self, source):
        with pytest.raises(TypeError, match="is no"):
            permutation_builder(source)

    def test_no_file(self, tmp_path):
        (tmp_path / "text").write_text("no Arrow here")
        with pytest.raises(ValueError, match="text is no Arrow IPC file"):
            Table(tmp_path / "text")
        with pytest.raises(FileNotFoundError):
            Table(tmp_path / "nothing")

    def test_missing_library(self, tmp_path):
        # A copy of the package that has no build/ beside it.
        (tmp_path / "a" / "b").mkdir(parents=True)
        package = Path(sys.modules["forkpolicy"].__file__).parent
        (tmp_path / "a" / "b" / "forkpolicy").mkdir()
        for part in package.glob("*.py"):
            (tmp_path / "a" / "b" / "forkpolicy" / part.name).write_bytes(part.read_bytes())
        (tmp_path / "a" / "b" / "forkpolicy" / "loader").symlink_to(package / "loader")
        code = (
            f"import sys; sys.path.insert(0, {str(tmp_path / 'a' / 'b')!r})\n"
            "import importlib.util as u, forkpolicy\n"
            "p = forkpolicy.__path__[0] + '/loader/_library.py'\n"
            "s = u.spec_from_file_location('_library', p); m = u.module_from_spec(s)\n"
            "s.loader.exec_module(m)\n"
        )
        env = {key: value for key, value in os.environ.items() if key != "FORKLOADER_LIBRARY"}
        ended = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True
        )
        assert "ImportError: libforkloader.so is missing: install the wheel" in ended.stderr


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


class TestFormats:
    identity = Permutation.identity(wide())

    def test_python(self):
        found = self.identity.select_columns(["id", "text"])
        assert found.__getitems__([3, 1]) == [{"id": 3, "text": "s3"}, {"id": 1, "text": "s1"}]
        assert found.with_format("python_col").__getitems__([3, 1]) == {
            "id": [3, 1],
            "text": ["s3", "s1"],
        }
        with pytest.raises(ValueError, match="^Invalid format: bogus$"):
            found.with_format("bogus")

    def test_frames(self):
        batch = self.identity.with_format("arrow").take_offsets([3, 1])
        assert batch.schema == wide().schema and batch.equals(wide().to_batches()[0].take([3, 1]))
        found = self.identity.select_columns(["id", "text", "vec"])
        pytest.importorskip("polars")
        assert found.with_format("polars").take_offsets([3])["vec"].to_list() == [[3, 4, 5]]

    def test_pandas(self):
        pytest.importorskip("pandas")
        found = self.identity.with_format("pandas").take_offsets([3, 1])
        assert found["id"].tolist() == [3, 1]

    def test_numpy(self):
        found = Permutation.identity(numbers()).with_format("numpy")
        assert found.take_offsets([3, 1]).tolist() == [[3, 1.5], [1, 0.5]]
        assert found.select_columns(["id"])[3].dtype == numpy.int64
        mixed = self.identity.select_columns(["id", "text", "when"]).with_format("numpy")[3]
        assert (
            mixed.dtype == object
            and mixed.shape == (1, 3)
            and mixed[0, 2] == numpy.datetime64(3, "us")
        )

    def test_transform(self):
        found = self.identity.with_transform(lambda batch: batch.num_rows)
        assert (
            found[3] == 1 and list(found.iter(60)) == [60, 40] and found.__getitems__([1, 2]) == 2
        )

    def test_tensor(self):
        torch = pytest.importorskip("torch")
        found = self.identity.with_format("tensor").take_offsets([3, 1, 8])
        assert found["id"].tolist() == [3, 1, 8] and found["id"].dtype == torch.int64
        assert found["flag"].tolist() == [True, False, False]
        for name, values in [("small", [3, 0, 8]), ("flags", [True, False, False])]:
            assert isinstance(found[name], Masked) and found[name].values.tolist() == values
            assert found[name].valid.tolist() == [True, False, True]
        assert found["small"].values.dtype == torch.uint16
        assert found["vec"].shape == (3, 3) and found["vec"].dtype == torch.float32
        assert found["vecs"].values.tolist() == [[3, 0, 3], [0, 0, 0], [8, 0, 8]]
        assert (
            found["vecs"].valid.tolist()[0] == [True, False, True]
            and not found["vecs"].valid[1].any()
        )
        assert isinstance(found["text"], Ragged) and bytes(found["text"].row(0).tolist()) == b"s3"
        assert found["list"].row(2).tolist() == [0, 1]
        assert found["views"].row(2).tolist() == [8, 8] and found["views"].offsets.tolist() == [
            0,
            0,
            1,
            3,
        ]
        assert found["st"]["b"]["c"].tolist() == [1.5, 0.5, 4.0]
        assert found["when"].tolist() == [3, 1, 8] and bytes(found["word"].row(2).tolist()) == b"w2"

    def test_nulls_of_the_table_make_the_mask(self):
        pytest.importorskip("torch")
        found = self.identity.with_format("tensor").take_offsets([0])  # no null among these
        assert isinstance(found["small"], Masked) and found["small"].valid.all()
        assert isinstance(self.identity.with_format("tensor").take_offsets([])["small"], Masked)

    def test_a_batch_is_its_own(self):
        pytest.importorskip("torch")
        source = numbers()
        found = Permutation.identity(source).with_format("tensor")
        found[0]["id"].fill_(7)
        assert source["id"][0].as_py() == 0 and found[0]["id"].tolist() == [0]

    def test_torch(self):
        torch = pytest.importorskip("torch")
        rows = self.identity.with_format("torch").take_offsets([3, 1])
        assert rows[0]["vec"].tolist() == [3, 4, 5] and rows[0]["text"] == "s3"
        assert rows[1]["flags"].valid.item() is False and rows[0]["id"].shape == ()
        found = self.identity.select_columns(["small", "vec", "flag"])
        by_row = found.with_format("torch_row").take_offsets([3, 1])
        assert by_row[0].tolist() == [3, 3, 4, 5, 1] and torch.isnan(by_row[1][0])
        assert found.with_format("torch_col").take_offsets([3, 1]).shape == (5, 2)
        unsigned = self.identity.select({"a": "small", "b": "id"}).with_format("torch_col")
        assert unsigned.take_offsets([0, 2]).tolist() == [[0, 2], [0, 2]]
        with pytest.raises(TypeError, match="column `text` of string does not fit into a matrix"):
            self.identity.select_columns(["text"]).with_format("torch_row")[0]

    def test_nulls_within_nulls(self):
        pytest.importorskip("torch")
        values = [{"a": "x", "n": None}, None, {"a": None, "n": 3}]
        table = pyarrow.table({"st": pyarrow.array(values)})
        found = Permutation.identity(table).with_format("tensor").take_offsets([0, 1, 2])["st"]
        assert found["a"].valid.tolist() == [True, False, False]
        assert found["n"].valid.tolist() == [False, False, True]
        assert found["n"].values.tolist() == [0, 0, 3]

    def test_no_tensor(self):
        pytest.importorskip("torch")
        found = Permutation.identity(pyarrow.table({"n": pyarrow.nulls(3)})).with_format("tensor")
        with pytest.raises(TypeError, match="column `n` of null has no tensor"):
            found[0]

    def test_chunks_and_slices(self):
        torch = pytest.importorskip("torch")
        chunks = pyarrow.concat_tables([wide(40).slice(3, 20), wide(40).slice(23, 5)])
        found = Permutation.identity(chunks).with_format("tensor").take_offsets([24, 0])
        assert found["id"].tolist() == [27, 3] and torch.equal(
            found["vec"][0], torch.tensor([27.0, 28, 29])
        )
        assert bytes(found["text"].row(0).tolist()) == b"s27"


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
