"""JPEGs to batches of tensors, decoded by Pillow: our Loader and others, in turn.

Usage: build/venv/images/bin/python bench/loader_images.py [ROUNDS [IMAGES [SECONDS]]]

The environment: python3 -m venv build/venv/images
    build/venv/images/bin/python -m pip install -r bench/requirements-images.txt

Images of 256 x 256 in batches of 64, shuffled, with two workers or threads; each fed as its own
documentation advises. Each run is a process of its own; images/s count from the first batch on.

SPDX-License-Identifier: Apache-2.0
"""

import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
import torch
from loader_rounds import alternate, head, line
from PIL import Image

BATCH, WORKERS, SEED, SIDE = 64, 2, 11, 256
SHARD = 256  # images of a file of those that keep several
PATIENCE = 120  # seconds behind SECONDS
OURS, TORCH = "forkloader", "torch DataLoader"


def jpegs(count):
    """Smooth pictures with some noise: about 20 kB each."""
    random = numpy.random.default_rng(SEED)
    place = numpy.linspace(0, 6, SIDE)
    for _ in range(count):
        waves = random.random((2, 3)) * 3
        values = numpy.sin(place[:, None, None] * waves[0]) + numpy.cos(place[None, :, None] * waves[1])
        values = values * 50 + 128 + random.normal(0, 12, (SIDE, SIDE, 3))
        file = io.BytesIO()
        Image.fromarray(values.clip(0, 255).astype("u1")).save(file, "JPEG", quality=85)
        yield file.getvalue()


def decode(data):
    return numpy.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def stacked(batch):
    return torch.from_numpy(numpy.stack([decode(data.as_buffer()) for data in batch["image"]]))


# What is prepared


def prepare_arrow(folder, images):
    import pyarrow

    table = pyarrow.table({"image": pyarrow.array(images, pyarrow.large_binary())})
    with pyarrow.OSFile(str(folder / "images.arrow"), "wb") as sink:
        with pyarrow.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)


def prepare_files(folder, images):
    (folder / "files").mkdir()
    for number, image in enumerate(images):
        (folder / "files" / f"{number:06}.jpg").write_bytes(image)


def prepare_webdataset(folder, images):
    import webdataset

    with webdataset.ShardWriter(str(folder / "%04d.tar"), maxcount=SHARD, verbose=0) as sink:
        for number, image in enumerate(images):
            sink.write({"__key__": f"{number:06}", "jpg": image})


def prepare_litdata(folder, images):
    from litdata.streaming.writer import BinaryWriter

    (folder / "litdata").mkdir()
    writer = BinaryWriter(str(folder / "litdata"), chunk_size=SHARD)
    for number, image in enumerate(images):
        writer[number] = {"image": image}
    writer.done()
    writer.merge(1)


# Loaders: from what was opened, the batches of an epoch


def forkloader(folder, **how):
    from forkpolicy.loader import Loader

    options = {"shuffle": True, "seed": SEED, "format": "arrow", "transform": stacked, **how}
    loader = Loader(folder / "images.arrow", BATCH, **options)
    return lambda: loader


class Files(torch.utils.data.Dataset):
    def __init__(self, folder):
        self.names = sorted((folder / "files").iterdir())

    def __len__(self):
        return len(self.names)

    def __getitem__(self, number):
        return torch.from_numpy(decode(self.names[number].read_bytes()).copy())


def in_torch(folder):
    options = {"shuffle": True, "num_workers": WORKERS, "persistent_workers": True}
    loader = torch.utils.data.DataLoader(Files(folder), BATCH, **options)
    return lambda: loader


def in_webdataset(folder):
    import webdataset

    shards = sorted(map(str, folder.glob("*.tar")))
    pipe = webdataset.WebDataset(shards, shardshuffle=len(shards), empty_check=False).shuffle(1000)
    pipe = pipe.decode("rgb8").to_tuple("jpg").batched(BATCH)
    loader = webdataset.WebLoader(pipe, batch_size=None, num_workers=WORKERS)
    return lambda: (images for (images,) in loader)


def in_litdata(folder):
    import litdata

    class Decoded(litdata.StreamingDataset):
        def __getitem__(self, index):
            return torch.from_numpy(decode(super().__getitem__(index)["image"]).copy())

    dataset = Decoded(str(folder / "litdata"), shuffle=True, seed=SEED)
    loader = litdata.StreamingDataLoader(dataset, batch_size=BATCH, num_workers=WORKERS)
    return lambda: loader


def in_spdl(folder):
    from spdl.pipeline import PipelineBuilder

    names = sorted((folder / "files").iterdir())

    def epoch():
        order = numpy.random.default_rng(SEED).permutation(len(names))
        builder = PipelineBuilder().add_source([names[number] for number in order])
        builder = builder.pipe(lambda name: decode(name.read_bytes()), concurrency=WORKERS)
        builder = builder.aggregate(BATCH).pipe(lambda images: torch.from_numpy(numpy.stack(images)))
        pipeline = builder.add_sink(4).build(num_threads=WORKERS)
        with pipeline.auto_stop():
            yield from pipeline

    return epoch


LOADERS = {
    OURS: lambda folder: forkloader(folder, workers=WORKERS),
    "forkloader, transform_threads": lambda folder: forkloader(folder, transform_threads=WORKERS),
    TORCH: in_torch,
    "webdataset": in_webdataset,
    "litdata": in_litdata,
    "SPDL": in_spdl,
}


def measure(who, folder, seconds):
    epoch, images, begun = LOADERS[who](folder), 0, None
    opened = time.perf_counter()
    while begun is None or time.perf_counter() - begun < seconds:
        for batch in epoch():
            assert tuple(batch.shape[1:]) == (SIDE, SIDE, 3) and batch.dtype == torch.uint8
            if begun is None:
                begun = time.perf_counter()
                continue
            images += len(batch)
            if time.perf_counter() - begun > seconds:
                break
    return {"rows": images, "seconds": time.perf_counter() - begun, "first": begun - opened}


def runs(who, folder, seconds):
    def run():
        command = [sys.executable, __file__, "--run", who, str(folder), str(seconds)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        done = subprocess.run(command, **pipes, timeout=seconds + PATIENCE)
        return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None

    return run


def tell(who, found, theirs):
    good = [one for one in found if one]
    if not good:
        line([who, "fails", "", ""])
        return
    rates = [one["rows"] / one["seconds"] for one in good]
    pairs = [(one, other) for one, other in zip(found, theirs) if one and other]
    ratios = [one["rows"] / one["seconds"] * other["seconds"] / other["rows"] for one, other in pairs]
    first = statistics.median(one["first"] for one in good)
    ratio = statistics.median(ratios)
    rate = f"{statistics.median(rates):,.0f} ({max(rates):,.0f})"
    line([who, rate, f"{ratio:.2f}", f"{first * 1000:.0f} ms"])


def main(rounds, count, seconds):
    with tempfile.TemporaryDirectory() as name:
        folder, images = Path(name), list(jpegs(count))
        for prepare in (prepare_arrow, prepare_files, prepare_webdataset, prepare_litdata):
            prepare(folder, images)
        found = alternate({who: runs(who, folder, seconds) for who in LOADERS}, rounds)
    size = sum(map(len, images)) // len(images)
    title = f"{count:,} JPEGs of {SIDE} x {SIDE}, {size:,} B, batches of {BATCH}, {rounds} rounds:"
    head(title, ["", "images/s (best)", "to torch's DataLoader", "first batch"])
    for who in LOADERS:
        tell(who, found[who], found[TORCH])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        print(json.dumps(measure(sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]))))
    else:
        main(*[int(word) for word in sys.argv[1:4]] + [5, 4000, 6][len(sys.argv) - 1 :])
