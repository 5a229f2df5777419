"""The builder of permutations of forkpolicy.loader. SPDX-License-Identifier: Apache-2.0"""

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pyarrow
import pytest
from small_tables import ROWS, builder, ids, numbers, wide

from forkpolicy.loader import Permutation, Permutations, Table, permutation_builder


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
