# SPDX-License-Identifier: Apache-2.0
"""Every thread of every library is given to its owner, and the numbers add up to the kernel's."""

import re
import subprocess
import time
from fnmatch import fnmatch
from pathlib import Path

import pytest

from python_jobs import answer, normal, run_job, site_packages, source_line, versions


class Row:
    """What a record must say of one runtime."""

    def __init__(
        self,
        package,
        where=None,
        kind=None,
        known=True,
        names=(),
        handlers=(),
        threads=None,
        started=None,
        **judgement,
    ):
        self.package = package
        self.where = where  # below site-packages; None: Python threads, the library is CPython's
        self.kind = kind
        self.known = known
        self.names = names  # the thread names that may be told
        self.handlers = list(handlers)
        self.threads = threads  # None: as many as the library likes
        self.started = started  # the text of the line that started it; None: native code
        self.class_ = judgement["class_"]


ALL = ("prepare", "parent", "child")
NATIVE = "python"  # the name of a thread that its library gave none: that of the program

ROWS = {
    "openblas": Row(
        "numpy",
        "numpy.libs/lib*openblas*.so",
        "OpenBLAS",
        class_="survives",
        names=[NATIVE],
        handlers=["prepare"],
        threads=1,
    ),
    "libgomp": Row(
        "torch", "torch/lib/libgomp.so.1", "OpenMP", class_="reset", names=[NATIVE], threads=1
    ),
    # pthreadpool, started by torch.set_num_threads
    "torch": Row(
        "torch",
        "torch/lib/libtorch_cpu.so",
        "torch",
        class_="unknown",
        names=[NATIVE],
        handlers=["child"],
    ),
    "torch-interop": Row(
        "torch", "torch/lib/libc10.so", "inter-op", class_="lost", names=["PTThreadPool"], threads=2
    ),
    "arrow": Row(
        "pyarrow",
        "pyarrow/libarrow.so.*",
        "Arrow",
        class_="survives",
        names=["jemalloc_bg_thd", NATIVE],
        handlers=ALL,
    ),
    "polars": Row(
        "polars-runtime-32",
        "_polars_runtime_32/_polars_runtime.abi3.so",
        "polars",
        class_="lost",
        handlers=ALL,
        names=["polars-ooc-clea", "tokio-rt-worker", "polars-[0-9]", "async-executor-*"],
    ),
    "tokenizers": Row(
        "tokenizers",
        "tokenizers/tokenizers.abi3.so",
        "rayon",
        class_="lost",
        names=[NATIVE],
        handlers=["child"],
        threads=2,
    ),
    "lancedb": Row(
        "lancedb", "lancedb/_lancedb.abi3.so", "tokio", class_="lost", names=["tokio-rt-worker"]
    ),
    "lancedb-loop": Row(
        "lancedb",
        None,
        "event loop",
        class_="lost",
        threads=1,
        names=["LanceDBBackgroundEventLoop"],
        started="import lancedb",
    ),
    "deltalake": Row(
        "deltalake",
        "deltalake/_internal.abi3.so",
        "tokio",
        class_="lost",
        names=["tokio-runtime-w"],
    ),
    "grpcio": Row(
        "grpcio",
        "grpc/_cython/cygrpc.*.so",
        "gRPC",
        class_="survives",
        handlers=ALL,
        names=["grpc_global_tim", "event_engine", "lifeguard"],
    ),
    "duckdb": Row(
        "duckdb", "_duckdb.*.so", "duckdb", class_="survives", names=[NATIVE], handlers=ALL
    ),
    "fsspec": Row(
        "fsspec",
        None,
        "event loop",
        class_="reset",
        names=["fsspecIO"],
        threads=1,
        started='files = fsspec.filesystem("http"',
    ),
    # One entry of the table, three owners: who submitted the work.
    "ThreadPoolExecutor": Row(
        "python",
        None,
        "thread pool",
        class_="reset",
        threads=2,
        names=["ThreadPoolExecutor-0_[01]"],
        started="work = [pool.submit(time.sleep, 0.2) for _ in range(2)]",
    ),
    "ThreadPoolExecutor of grpcio": Row(
        "grpcio",
        None,
        "thread pool",
        class_="reset",
        threads=1,
        names=["ThreadPoolExecutor-0_0"],
        started="return thread_pool.submit(",
    ),
    # Not in the table
    "grpcio's server": Row(
        "grpcio",
        None,
        known=False,
        class_="unknown",
        threads=1,
        names=["Thread-1 (_serve)"],
        started="server.start()",
    ),
    "the job's file server": Row(
        None,
        None,
        known=False,
        class_="unknown",
        threads=1,
        names=["files"],
        started="daemon=True).start()",
    ),
    # Created behind every wrapper's back: only its name is known.
    "jemalloc": Row(None, "", "jemalloc", class_="survives", names=["jemalloc_bg_thd"]),
}

# library: what must be there, and what may be there beside it
CASES = {
    "numpy": (["openblas"], []),
    "torch_intra": (["libgomp"], ["openblas", "torch"]),
    "torch_inter": (["torch-interop"], ["openblas", "torch"]),
    "pyarrow": (["arrow"], ["openblas"]),
    "polars": (["polars"], ["jemalloc", "openblas"]),
    "tokenizers": (["tokenizers"], ["openblas"]),
    "lancedb": (["lancedb", "lancedb-loop"], ["arrow", "openblas", "fsspec"]),
    "deltalake": (["deltalake"], ["arrow", "openblas"]),
    "grpcio": (["grpcio", "grpcio's server", "ThreadPoolExecutor of grpcio"], []),
    "duckdb": (["duckdb"], ["arrow", "openblas"]),
    "fsspec": (["fsspec", "the job's file server"], []),
    "executor": (["ThreadPoolExecutor"], []),
}

# What a bare `warn` does to each class.
ACTIONS = {"survives": "off", "lost": "warn", "reset": "warn", "unknown": "warn"}


def row_of(runtime, allowed):
    """The row for a runtime of the record: by the table's name, then by who started it."""
    for key in allowed:
        row = ROWS[key]
        if (key.split(" of ")[0] if row.known else None) != runtime["name"]:
            continue
        if normal(row.package or "") == normal(runtime["package"] or ""):
            return key, row
    raise AssertionError(f"no such runtime is expected: {runtime}")


def check_runtime(runtime, row, environment, seen):
    installed = dict(versions(environment), python=seen["version"])
    assert normal(runtime["package"] or "") == (row.package or "")
    assert runtime["version"] == (installed[row.package] if row.package else None)
    if row.where is None:
        assert runtime["dso"] == seen["python"]
    elif row.where == "":
        assert runtime["dso"] is None
    else:
        assert Path(runtime["dso"]).is_file()
        assert fnmatch(runtime["dso"], str(site_packages(environment) / row.where))
    assert runtime["kind"] == row.kind
    assert runtime["class"] == row.class_
    assert runtime["action"] == ACTIONS[row.class_]
    assert runtime["asked"] == "warn"
    assert runtime["handlers"] == row.handlers
    if row.threads:
        assert runtime["threads"] == row.threads
    assert runtime["threads"] >= 1
    names = runtime["names"].split(", ")
    assert names
    for name in names:
        assert name == "..." or any(fnmatch(name, pattern) for pattern in row.names), names
    if row.started:
        assert row.started in source_line(runtime["started"])
    elif runtime["started"]:
        source_line(runtime["started"])  # whatever line it was, it exists
    if row.class_ == "lost":
        assert runtime["advice"] and runtime["source"]
    else:
        assert "advice" not in runtime  # nothing is said of it


def check_header(record, seen, began):
    assert record["v"] == 1
    assert record["event"] == "fork"
    assert began - 1 < record["time"] < time.time() + 1
    assert (record["pid"], record["ppid"]) == (seen["pid"], seen["parent"])
    assert record["host"] == seen["host"]
    assert record["rank"] is None
    assert record["call"] == "fork"
    assert record["origin"] == "python"
    assert record["child"] == seen["child"]
    site = record["site"]
    assert site["dso"] == seen["python"] or Path(site["dso"]).samefile(seen["python"])
    assert site["function"] == "<module>"
    assert site["library"] is None
    assert site["user"] == site["innermost"]
    assert source_line(f"{site['user']['file']}:{site['user']['line']}") == "child = os.fork()"


HEAD = ("library", "threads", "name", "package", "file", "class", "names")


def in_words(library, runtime):
    package = f"{runtime['package'] or '-'} {runtime['version'] or ''}".strip()
    cells = [library, str(runtime["threads"]), runtime["name"] or "-", package]
    cells += [Path(runtime["dso"] or "-").name, runtime["class"], runtime["names"] or "-"]
    return dict(zip(HEAD, cells))


@pytest.mark.parametrize("library", CASES)
def test_every_thread_has_its_owner(library, tmp_path, tell):
    environment = "deltalake" if library == "deltalake" else "wheels"
    log, began = tmp_path / "log", time.time()
    outcome = run_job(
        "fork_once.py",
        library,
        environment=environment,
        policy="warn",
        log=log,
        tmp=tmp_path,
        env={"TOKENIZERS_PARALLELISM": "true"},
    )
    seen = answer(outcome)
    (record,) = outcome.of("fork")
    check_header(record, seen, began)
    required, beside = CASES[library]
    missing = set(required)
    for runtime in record["runtimes"]:
        key, row = row_of(runtime, required + beside)
        check_runtime(runtime, row, environment, seen)
        missing.discard(key)
        tell("owners of threads", HEAD, f"{library} {key}", in_words(library, runtime))
    assert not missing
    assert "omitted" not in record
    threads = sum(runtime["threads"] for runtime in record["runtimes"])
    assert threads + 1 == record["threads"] == seen["threads"]
    strangers = [runtime for runtime in record["runtimes"] if not runtime["dso"]]
    assert sum(runtime["threads"] for runtime in strangers) == record["unattributed"]
    lost = any(runtime["class"] == "lost" for runtime in record["runtimes"])
    assert bool(outcome.said) == lost


def copies(folder):
    """The same library, byte by byte, in three packages; two of them even share its file's name."""
    source = Path(__file__).parent / "jobs" / "foreign.c"
    paths = []
    for package, version, inside in [
        ("alpha", "1.0", "alpha/_internal.abi3.so"),
        ("beta", "2.1.post3", "beta/_internal.abi3.so"),
        ("gamma-ray", "0.1a2", "gamma_ray.libs/libfirst-0a1b.so"),
    ]:
        site = folder / "lib" / "python3" / "site-packages"
        info = site / f"{package.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "RECORD").write_text(f"{inside},,\n")
        path = site / inside
        path.parent.mkdir()
        subprocess.run(
            ["gcc", "-shared", "-fPIC", "-pthread", "-o", path, source], check=True, timeout=60
        )
        paths.append((package, version, path))
    return paths


def test_copies_of_a_library_are_kept_apart_by_path(tmp_path):
    expected = copies(tmp_path)
    log = tmp_path / "log"
    outcome = run_job(
        "foreign.py",
        *(f"{path}:{threads}" for threads, (_, _, path) in enumerate(expected, 1)),
        policy="warn",
        log=log,
    )
    seen = answer(outcome)
    (record,) = outcome.of("fork")
    got = {
        (runtime["package"], runtime["version"], runtime["dso"]): runtime["threads"]
        for runtime in record["runtimes"]
    }
    assert got == {
        (re.sub("-", "_", package), version, str(path)): threads
        for threads, (package, version, path) in enumerate(expected, 1)
    }
    assert all(
        runtime["name"] is None and runtime["class"] == "unknown" for runtime in record["runtimes"]
    )
    assert sum(got.values()) + 1 == record["threads"] == seen["threads"]
    assert record["unattributed"] == 0
    assert not outcome.said
