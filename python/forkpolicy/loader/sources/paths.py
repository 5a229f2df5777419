# SPDX-License-Identifier: Apache-2.0
"""Paths: one file, many, a directory or a glob, here or in a file system of fsspec or pyarrow."""

import glob
import os
import re
from collections import namedtuple

KINDS = {b"PAR1": "parquet", b"ARROW1": "arrow", b"FEA1": "feather 1", b"Obj\x01": "Avro",
         b"ORC": "ORC", b"\x89HDF": "HDF5", b"\x93NUMPY": "numpy", b"PK\x03\x04": "zip",
         b"\x1f\x8b": "gzip", b"SQLite format 3": "SQLite"}  # fmt: skip
STREAM = b"\xff\xff\xff\xff"  # what an Arrow IPC stream begins with
ENDS = ".parquet", ".arrow", ".arrows", ".feather", ".ipc"  # what counts in a directory
READ = "parquet", "arrow", "stream"
SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://")

Files = namedtuple("Files", ("names", "kind", "system"))


def is_list(source):
    return isinstance(source, (list, tuple)) and source and all(
        isinstance(item, (str, os.PathLike)) for item in source
    )  # fmt: skip


def files_of(source):
    """Files of one kind; ValueError says what a file is that cannot be read."""
    texts = [os.fspath(item) for item in (source if is_list(source) else [source])]
    system = _system_of(texts[0])
    if system is not None:
        names = [name for text in texts for name in _remote(system, text)]
    else:
        if len(texts) == 1 and _is_lance(texts[0]):
            return Files([os.path.abspath(texts[0])], "lance", None)
        names = [name for text in texts for name in _local(text)]
    if not names:
        raise FileNotFoundError(f"there is no file at {source}")
    kinds = {}
    for name in names:
        kinds.setdefault(_kind_of(name, system), name)
    if len(kinds) > 1:
        (first, a), (second, b) = list(kinds.items())[:2]
        raise ValueError(f"files of two kinds: {a} is {first}, {b} is {second}")
    (kind,) = kinds
    if kind not in READ:
        raise ValueError(
            f"{names[0]} is no Arrow IPC file and no Parquet file: it is {kind}"
        )
    if kind != "parquet" and system is not None:
        raise ValueError(f"{names[0]}: Arrow files are mapped into memory, which takes a local file")
    return Files(names, kind, system)


def _system_of(text):
    """The pyarrow.fs.FileSystem of a URL; None: a local path."""
    if not SCHEME.match(text) or text.startswith("file://"):
        return None
    import pyarrow.fs

    try:
        import fsspec

        system, _ = fsspec.core.url_to_fs(text)
        return pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(system))
    except ImportError:
        return pyarrow.fs.FileSystem.from_uri(text)[0]


def _remote(system, text):
    import pyarrow.fs

    path = SCHEME.sub("", text)
    if isinstance(system, pyarrow.fs.PyFileSystem):
        inner = system.handler.fs
        if any(mark in path for mark in "*?["):
            return sorted(inner.glob(text))
        path = inner._strip_protocol(text)
    info = system.get_file_info(path)
    if info.type == pyarrow.fs.FileType.Directory:
        inside = system.get_file_info(pyarrow.fs.FileSelector(path, recursive=True))
        return sorted(one.path for one in inside if one.is_file and _counts(one.path))
    return [path] if info.type == pyarrow.fs.FileType.File else []


def _local(text):
    text = text[len("file://") :] if text.startswith("file://") else text
    if os.path.isdir(text):
        inside = [
            os.path.join(folder, name)
            for folder, _, names in os.walk(text)
            for name in names
            if _counts(name)
        ]
        inside = [name for name in inside if name.endswith(ENDS)] or inside
        return [os.path.abspath(name) for name in sorted(inside)]
    if os.path.exists(text):
        return [os.path.abspath(text)]
    return [os.path.abspath(name) for name in sorted(glob.glob(text, recursive=True))]


def _counts(name):
    """Not what writers leave beside the data."""
    return not os.path.basename(name).startswith(("_", "."))


def _is_lance(text):
    return os.path.isdir(os.path.join(text, "_versions"))


def _kind_of(name, system):
    if system is None:
        with open(name, "rb") as file:
            begin = file.read(16)
    else:
        with system.open_input_file(name) as file:
            begin = file.read(16)
    for magic, kind in KINDS.items():
        if begin.startswith(magic):
            return kind
    if begin.startswith(STREAM):
        return "stream"
    if not begin:
        return "empty"
    return "text" if begin.decode("latin-1").isprintable() or b"\n" in begin else "of another kind"
