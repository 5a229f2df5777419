# SPDX-License-Identifier: Apache-2.0
"""Build tool: a Python package as one source text, which the shim runs where the package is not
installed. Usage: embed_package.py FILE... > TEXT

The FILEs are those of the package's folder; they may import each other by `from . import`. A module
in which the text is run becomes the package.
"""

import ast
import sys
from pathlib import Path

LOAD = '''

def _load():
    import sys

    package = sys.modules[__name__]
    for stem, source in _SOURCES.items():
        module = package if stem == "__init__" else type(sys)(f"{__name__}.{stem}")
        module.__package__ = __name__
        sys.modules[module.__name__] = module
        exec(compile(source, f"<{_FOLDER}/{stem}.py>", "exec"), vars(module))
        if module is not package:
            setattr(package, stem, module)


_load()'''


def siblings(text):
    """The modules of the same package that a module imports."""
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    return sorted(alias.name for node in imports if node.level == 1 for alias in node.names)


def in_order(texts):
    """The same {module: text}, each behind those that it imports."""
    ordered = {}

    def add(stem):
        for sibling in siblings(texts[stem]):
            add(sibling)
        ordered[stem] = texts[stem]

    for stem in sorted(texts):
        add(stem)
    return ordered


def embedded(paths):
    folder = Path(*paths[0].parts[paths[0].parts.index("python") + 1 : -1])
    lines = [f"# Made from python/{folder}.", f"_FOLDER = {str(folder)!r}", "_SOURCES = {"]
    for stem, text in in_order({path.stem: path.read_text("utf-8") for path in paths}).items():
        lines.append(f"    {stem!r}: {text!r},")
    return "\n".join([*lines, "}", LOAD])


if __name__ == "__main__":
    print(embedded([Path(name) for name in sys.argv[1:]]))
