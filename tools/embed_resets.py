# SPDX-License-Identifier: Apache-2.0
"""Build tool: the files of python/forkpolicy/resets as one Python source, which the shim runs where
the package is not installed. Usage: embed_resets.py FILE... > resets.py
"""

import pathlib
import sys

LOADER = '''

def load():
    """Makes the module `_forkpolicy_resets` and those below it, once; returns it."""
    import sys
    import types

    name = "_forkpolicy_resets"
    if name not in sys.modules:
        package = types.ModuleType(name)
        sys.modules[name] = package
        exec(compile(SOURCES["__init__"], "<forkpolicy/resets/__init__.py>", "exec"), vars(package))
        for module in package.MODULES:
            package.add(module, SOURCES[module])
    return sys.modules[name]


def prepare(names, report):
    load().prepare(frozenset(names.split(",")), report)
'''


def main():
    sources = {}
    for path in map(pathlib.Path, sys.argv[1:]):
        sources[path.stem] = path.read_text(encoding="utf-8")
    print("# Made from python/forkpolicy/resets.")
    print("SOURCES = {")
    for name, source in sorted(sources.items()):
        print(f"    {name!r}: {source!r},")
    print("}")
    print(LOADER)


main()
