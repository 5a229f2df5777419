# SPDX-License-Identifier: Apache-2.0
"""Build tool: the words of policy/*.def, and the version, for those who say them without C.

Usage: words.py javascript | python. The page of `report --html` (cli/report/page_model.js) gets the
first; the second is python/forkpolicy/words.py, which `make words` renews.
"""

import json
import sys

import tables


def by_name(table, *columns):
    """{name: words} of a table, or {name: {column: words}} where there are several columns."""
    rows = {}
    for row in tables.read(f"policy/{table}.def", f"FP_{table.rstrip('s').upper()}"):
        words = {column: row[column] for column in columns}
        rows[row["name"]] = words if len(columns) > 1 else words[columns[0]]
    return rows


def javascript():
    (hint,) = tables.read("policy/outcomes.def", "FP_OUTCOME_HINT")
    (native,) = tables.read("policy/starts.def", "FP_START_NATIVE")
    starts = tables.read("policy/starts.def", "FP_START")
    words = {
        "GRADES": by_name("grades", "headline", "where_the_runtime_is_not_known"),
        "REASONS": by_name("reasons", "why"),
        "CAUSES": by_name("causes", "how"),
        "OUTCOMES": by_name("outcomes", "now"),
        "OUTCOME_HINT": hint["words"],
        "STARTS": [[row["through"], row["advice"]] for row in starts],
        "START_NATIVE": native["advice"],
    }
    return '"use strict";\n' + "".join(
        f"const {name} = {json.dumps(value)};\n" for name, value in words.items()
    )


def python():
    head = '# SPDX-License-Identifier: Apache-2.0\n"""Made from policy/*.def and common/version.h: `make words`."""\n\n'
    head += f'VERSION = "{tables.version()}"\n'
    rows = by_name("outcomes", "later").items()
    return head + "OUTCOMES = {\n" + "".join(f'    "{k}": "{v}",\n' for k, v in rows) + "}\n"


sys.stdout.write({"javascript": javascript, "python": python}[sys.argv[1]]())
