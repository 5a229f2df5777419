"""The formats of permutations. SPDX-License-Identifier: Apache-2.0"""

import numpy
import pyarrow
import pytest
from small_tables import numbers, wide

from forkpolicy.loader import Masked, Permutation, Ragged


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
