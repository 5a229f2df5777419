# SPDX-License-Identifier: Apache-2.0
"""CASE: what a job does in its main process, and then once more in a process that it forks."""

import multiprocessing
import os
import sys
import tempfile
import threading
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp())


def table():
    import numpy

    values = numpy.random.default_rng(0).random((5000, 20))
    return values, values[:, 0] > 0.5


def lightgbm():
    import lightgbm

    values, labels = table()
    return lambda: lightgbm.train({"verbosity": -1, "objective": "binary"}, lightgbm.Dataset(values, labels), 5)


def xgboost():
    import xgboost

    values, labels = table()
    return lambda: xgboost.train({"verbosity": 0}, xgboost.DMatrix(values, label=labels), 5)


def catboost():
    import catboost

    values, labels = table()
    wanted = {"iterations": 5, "thread_count": 2, "verbose": 0, "allow_writing_files": False}
    return lambda: catboost.CatBoostClassifier(**wanted).fit(values, labels)


def faiss():
    import faiss

    values = table()[0].astype("f")
    index = faiss.index_factory(values.shape[1], "SQfp16", faiss.METRIC_INNER_PRODUCT)
    index.train(values)
    index.add(values)
    return lambda: index.search(values[:200], 5)


def blosc2():
    import blosc2
    import numpy

    blosc2.set_nthreads(4)
    values = numpy.arange(5_000_000)
    packed = blosc2.asarray(values)
    return lambda: (packed[:].sum(), len(blosc2.pack_array2(values)))


def session():
    import numpy
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper

    weights = onnx.numpy_helper.from_array(numpy.ones((512, 512), "f"), "weights")
    shapes = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 512]) for name in ("x", "y")]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weights"], ["y"])], "graph", shapes[:1], shapes[1:], [weights]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def onnxruntime():
    import numpy

    made, values = session(), numpy.ones((256, 512), "f")
    return lambda: made.run(None, {"x": values})


def onnxruntime_dropped():
    """The child only drops the session."""
    kept = [session()]
    return lambda: os.getpid() != PARENT and kept.clear()


def h5py():
    """Threads of the parent read while it forks."""
    import h5py
    import numpy

    file = FOLDER / "values.h5"
    with h5py.File(file, "w") as made:
        made["values"] = numpy.ones((1000, 1000))

    def read():
        while True:
            with h5py.File(file) as made:
                made["values"][:]

    for _ in range(3):
        threading.Thread(target=read, daemon=True).start()

    def use():
        with h5py.File(file) as made:
            made["values"][0]

    return use


def fastrlock():
    """A lock that compiled code takes from Python; a thread of the parent's has it."""
    from fastrlock.rlock import FastRLock

    lock, held = FastRLock(), threading.Event()

    def hold():
        with lock:
            held.set()
            threading.Event().wait(600)

    def use():
        if os.getpid() != PARENT:
            with lock:
                pass

    threading.Thread(target=hold, daemon=True).start()
    held.wait()
    return use


def rasterio():
    import numpy
    import rasterio

    file = FOLDER / "values.tif"
    form = {"driver": "GTiff", "width": 2048, "height": 2048, "count": 1, "dtype": "uint16"}
    with rasterio.open(file, "w", tiled=True, compress="deflate", num_threads=4, **form) as made:
        made.write(numpy.ones((1, 2048, 2048), "uint16"))

    def use():
        with rasterio.open(file, num_threads=4) as made:
            return made.read(1).sum()

    return use


def wandb():
    import wandb

    run = wandb.init(mode="offline", dir=FOLDER, settings=wandb.Settings(silent=True))
    return lambda: run.log({"value": 1})


def manager():
    """Healthy: a pool, then a manager whose server only serves."""
    context = multiprocessing.get_context("fork")
    pool, served = context.Pool(2), context.Manager()
    names = served.dict()

    def use():
        names[os.getpid()] = 1
        return os.getpid() == PARENT and pool.map(abs, range(4))

    return use


PARENT = os.getpid()

if __name__ == "__main__":
    use = globals()[os.environ["CASE"]]()
    use()
    child = multiprocessing.get_context("fork").Process(target=use)
    child.start()
    print("forked", flush=True)
    child.join()
    print("child", child.exitcode, flush=True)
    sys.stdout.flush()
    os._exit(child.exitcode != 0)  # threads of some libraries go on
