# SPDX-License-Identifier: Apache-2.0
"""s3fs."""

import gc
import os
import subprocess
import sys
import time
from pathlib import Path

from reset_cases.base import Case, at_end, same


def s3(use):
    """`use(files)` with s3fs at a server of this machine."""
    import s3fs

    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    port = free_port()
    server = subprocess.Popen(
        [Path(sys.executable).parent / "moto_server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    at_end.append(server.kill)
    wait_for_port(port)
    settings = {"endpoint_url": f"http://127.0.0.1:{port}", "key": "key", "secret": "secret"}
    files = s3fs.S3FileSystem(**settings)
    files.mkdir("bucket")
    files.pipe("bucket/file", b"hello" * 100_000)

    def parent():
        gc.collect()
        same(files.cat("bucket/file")[:5], b"hello")

    return Case(lambda: use(files), parent)


def s3_filesystem():
    def use(files):
        same(files.cat("bucket/file"), b"hello" * 100_000)
        assert "bucket/file" in files.ls("bucket")
        files.pipe("bucket/from-the-child", b"child")

    return s3(use)


def s3_new():
    """A new filesystem; then the child's garbage is collected, the parent's filesystem among it."""

    def use(files):
        files = type(files)(**files.storage_options)
        same(files.cat("bucket/file"), b"hello" * 100_000)
        type(files).clear_instance_cache()
        del files
        gc.collect()

    return s3(use)


def s3_file():
    opened = []
    case = s3(lambda files: same(opened[0].read(5), b"hello"))
    import s3fs

    files = next(iter(s3fs.S3FileSystem._cache.values()))
    opened.append(files.open("bucket/file", block_size=1000))
    same(opened[0].read(5), b"hello")
    opened[0].seek(400_000)
    return case


def free_port():
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for_port(port):
    import socket

    end = time.monotonic() + 60
    while time.monotonic() < end:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"no server at port {port}")
