# SPDX-License-Identifier: Apache-2.0
"""lancedb."""

import tempfile

from reset_cases.base import Case, same


def lancedb_imported():
    """Imported by the parent, used by the child first."""
    import lancedb

    def child():
        table = lancedb.connect(tempfile.mkdtemp()).create_table("t", [{"x": 1}, {"x": 2}])
        same(table.count_rows(), 2)

    return Case(child)


def lancedb_used():
    case = lancedb_imported()
    case.child()
    return case
