# SPDX-License-Identifier: Apache-2.0
"""Build tool: the files of python/forkpolicy/resets as one Python source, which the shim runs where
the package is not installed. Usage: embed_resets.py FILE... > resets.py
"""

import pathlib
import sys

LOADER = '''

def load():
    """Makes the modules `_forkpolicy_resets` and below it, once; returns the first."""
    import sys
    import types

    package = "_forkpolicy_resets"
    if package in sys.modules:
        return sys.modules[package]
    for name in sorted(SOURCES, key=lambda name: name == "__init__"):
        full = package if name == "__init__" else package + "." + name
        module = types.ModuleType(full)
        module.__package__ = package
        if name == "__init__":
            module.__path__ = []
        sys.modules[full] = module
    for name in sorted(SOURCES, key=lambda name: name == "__init__"):
        full = package if name == "__init__" else package + "." + name
        if name != "__init__":
            setattr(sys.modules[package], name, sys.modules[full])
        exec(compile(SOURCES[name], "<forkpolicy resets/%s.py>" % name, "exec"), vars(sys.modules[full]))
    return sys.modules[package]


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
