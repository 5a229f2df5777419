# SPDX-License-Identifier: Apache-2.0
"""Parquet files copied once into Arrow files, which are mapped: any order of rows is then fast."""

import hashlib
import os
import shutil

import pyarrow

from . import paths
from .parquet import ParquetSource


def cached(source, folder=None, progress=True):
    """A Table of Arrow files in `folder`, copied of Parquet files where they are not there yet.

    source: paths, as for Table. folder: None: forkpolicy below $XDG_CACHE_HOME or ~/.cache. Each
    file is copied under a name that its path, size and time give, and counts when it is whole: what
    was interrupted goes on with the next file, and what has changed is copied anew. progress: a bar
    of tqdm, where that is installed. Files that are gone, or have changed, leave their copies
    behind; delete the folder to be rid of them.
    """
    from ..table import Table

    files = paths.files_of(source)
    if files.kind != "parquet":
        raise ValueError(f"{files.names[0]} is no Parquet file: it is {files.kind}, which is mapped")
    folder = os.fspath(folder) if folder is not None else _default_folder()
    os.makedirs(folder, exist_ok=True)
    sources = [ParquetSource([name], files.system) for name in files.names]
    copies = [os.path.join(folder, _name_of(name, one)) for name, one in zip(files.names, sources)]
    missing = [pair for pair in zip(sources, copies) if not os.path.exists(pair[1])]
    if missing:
        _copy(missing, folder, progress)
    return Table(copies)


def _default_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "forkpolicy")


def _name_of(name, source):
    said = f"{name} {source.fingerprint()}"
    stem = os.path.splitext(os.path.basename(name))[0][:80]
    return f"{stem}-{hashlib.blake2b(said.encode(), digest_size=8).hexdigest()}.arrow"


def _copy(missing, folder, progress):
    rows = sum(source.count_rows() for source, _ in missing)
    size = sum(source.encoded_bytes for source, _ in missing)
    free = shutil.disk_usage(folder).free
    if size > free:
        raise OSError(f"{folder} has {free >> 20} MiB left, and the copies take {size >> 20} MiB")
    bar = _bar(rows, f"copying {size >> 20} MiB to {folder}") if progress else None
    try:
        for source, copy in missing:
            _copy_one(source, copy, bar)
    finally:
        if bar is not None:
            bar.close()


def _bar(rows, said):
    try:
        import tqdm
    except ImportError:
        return None
    return tqdm.tqdm(total=rows, desc=said, unit="row", unit_scale=True)


def _copy_one(source, copy, bar):
    unfinished = f"{copy}.{os.getpid()}.unfinished"
    try:
        with pyarrow.OSFile(unfinished, "wb") as sink:
            with pyarrow.ipc.new_file(sink, source.schema) as writer:
                for _, batch in source.batches(source.schema.names):
                    writer.write_batch(batch)
                    if bar is not None:
                        bar.update(batch.num_rows)
        os.replace(unfinished, copy)
    finally:
        if os.path.exists(unfinished):
            os.unlink(unfinished)
