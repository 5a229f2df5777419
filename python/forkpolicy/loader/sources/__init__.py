# SPDX-License-Identifier: Apache-2.0
"""Sources: where rows come from that are not in memory; docs/loader.md has the protocol.

`found(source)` is a pyarrow.Table, MappedFiles, or an object of the protocol, or None where the source
is neither a path nor anything that is known here.
"""

import os

from . import lance, objects, parquet, paths
from .arrow_files import MappedFiles

PROTOCOL = "count_rows", "take", "fingerprint", "schema"


def is_source(value):
    """Is it an object of the protocol?"""
    return all(hasattr(value, name) for name in PROTOCOL)


def found(source):
    if isinstance(source, (str, os.PathLike)) or paths.is_list(source):
        return of_paths(source)
    if is_source(source):
        return source
    for known in (parquet.of_dataset, lance.of_table, objects.of_object):
        made = known(source)
        if made is not None:
            return made
    return None


def of_paths(source):
    """Files of one kind, which their first bytes tell."""
    files = paths.files_of(source)
    if files.kind == "lance":
        return lance.LanceSource(files.names[0])
    if files.kind == "parquet":
        return parquet.ParquetSource(files.names, files.system)
    return MappedFiles(files.names, files.kind)


__all__ = ["MappedFiles", "found", "is_source", "of_paths"]
