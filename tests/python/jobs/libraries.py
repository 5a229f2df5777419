# SPDX-License-Identifier: Apache-2.0
"""One function for each library: it uses the library until its threads run.

Each returns a function that uses the library again and returns what it answers, so that a job can
ask before and after a fork. What a library needs is made here: there is no network.
"""

import os
import sys
import tempfile
import time
from pathlib import Path


def folder():
    """A new folder; the test that runs the job sets TMPDIR to one that it removes."""
    return tempfile.mkdtemp()


def numpy():
    import numpy

    matrix = numpy.ones((600, 600))
    return lambda: float((matrix @ matrix).sum())


def torch_intra():
    import torch

    torch.set_num_threads(2)
    tensor = torch.ones(1_000_000)
    return lambda: float((tensor * 2).sum())


def torch_inter():
    import torch

    # One thread within an operation: libgomp's team is the business of torch_intra.
    torch.set_num_threads(1)
    torch.set_num_interop_threads(2)

    @torch.jit.script
    def double(x):
        return x * 2

    @torch.jit.script
    def both(x):
        first = torch.jit.fork(double, x)
        second = torch.jit.fork(double, x)
        return torch.jit.wait(first) + torch.jit.wait(second)

    return lambda: float(both(torch.ones(4)).sum())


def pyarrow():
    import pyarrow
    import pyarrow.compute
    import pyarrow.dataset

    where = folder()
    table = pyarrow.table({"key": list(range(1000)), "value": [1.0] * 1000})
    for part in range(4):
        pyarrow.dataset.write_dataset(
            table,
            where,
            format="parquet",
            basename_template=f"{part}-{{i}}.parquet",
            existing_data_behavior="overwrite_or_ignore",
        )
    data = pyarrow.dataset.dataset(where)
    return lambda: data.to_table().num_rows


def polars():
    import polars

    frame = polars.DataFrame({"key": [1, 2, 3] * 100, "value": [1.0] * 300})
    return lambda: frame.group_by("key").agg(polars.col("value").sum()).height


def obstore():
    import obstore
    from obstore.store import LocalStore

    store = LocalStore(folder())
    content = b"content" * 1000

    def answer():
        name = f"of-{os.getpid()}"
        obstore.put(store, name, content)
        found = bytes(obstore.get(store, name).bytes())
        obstore.delete(store, name)
        return found == content

    answer()
    return answer


def tokenizers():
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    tokenizer = Tokenizer(WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    return lambda: sum(len(each.ids) for each in tokenizer.encode_batch(["a b"] * 500))


def lancedb():
    import lancedb

    table = lancedb.connect(folder()).create_table("t", [{"x": i} for i in range(100)])
    return lambda: table.count_rows()


def deltalake():
    import pyarrow
    from deltalake import DeltaTable, write_deltalake

    where = folder()
    write_deltalake(where, pyarrow.table({"x": list(range(100))}))
    return lambda: DeltaTable(where).to_pyarrow_table().num_rows


def opendal():
    import opendal

    files = opendal.Operator("fs", root=folder())
    content = b"content" * 1000

    def answer():
        name = f"of-{os.getpid()}"
        files.write(name, content)
        found = bytes(files.read(name))
        files.delete(name)
        return found == content

    answer()
    return answer


def grpcio():
    from concurrent import futures

    import grpc

    class Echo(grpc.GenericRpcHandler):
        def service(self, details):
            return grpc.unary_unary_rpc_method_handler(lambda request, context: request)

    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=[Echo()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    call = channel.unary_unary("/tests.Echo/Say")
    keep.extend([server, channel])
    return lambda: call(b"hello", timeout=20).decode()


def duckdb():
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 4")
    connection.execute("CREATE TABLE t AS SELECT range AS x FROM range(500000)")
    # All of the answer: a child waits for ever for the tasks of a result that is still open.
    return lambda: connection.execute("SELECT count(*) FROM t WHERE x % 2 = 0").fetchall()[0][0]


def fsspec():
    import threading
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    import fsspec

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    where = folder()
    Path(where, "file").write_text("hello")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=where))
    threading.Thread(target=server.serve_forever, name="files", daemon=True).start()
    keep.append(server)
    files = fsspec.filesystem("http", skip_instance_cache=True)
    address = f"http://127.0.0.1:{server.server_address[1]}/file"
    return lambda: files.cat(address).decode()


def executor():
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(2)
    work = [pool.submit(time.sleep, 0.2) for _ in range(2)]
    for each in work:
        each.result()
    keep.append(pool)
    return lambda: pool.submit(str, 42).result()


keep = []  # what must live as long as the job


def use(name):
    again = globals()[name]()
    again()
    keep.append(again)
    return again


def threads():
    """What the kernel counts."""
    return len(os.listdir("/proc/self/task"))


def settle(rest=0.5):
    """Waits until the number of threads rests: libraries start and end some in their own time."""
    before, since = 0, time.monotonic()
    while time.monotonic() - since < rest:
        now = threads()
        if now != before:
            before, since = now, time.monotonic()
        time.sleep(0.02)


def python_library():
    """The real path of what holds CPython's code: libpython, or the program itself."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = line.split(maxsplit=5)[5:]
        if path and "/libpython3" in path[0]:
            return os.path.realpath(path[0])
    return os.path.realpath(sys.executable)
