# SPDX-License-Identifier: Apache-2.0
"""The main program, as a process that is started anew has it: run as a module of another name, and
without what stands below `if __name__ == "__main__":`.

The standard library alone, on every Python since 3.8: the shim carries this text.
"""

import os
import sys
import threading

GUARDS = "__name__", "current_process"

_trees = {}  # file of a main program -> its syntax, None where that cannot be read


def imported_as():
    """The name or the file by which a new process imports the main program; None: it cannot."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    return getattr(spec, "name", None) or getattr(main, "__file__", None)


def user_line():
    """", at FILE:LINE": the innermost line outside the standard library and packages."""
    library = os.path.dirname(os.__file__)
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(library) or file.startswith("<") or "-packages" in file:
            frame = frame.f_back
            continue
        return f", at {file}:{frame.f_lineno}"
    return ""


def _tree():
    """The syntax of the main program's file; None where that cannot be read."""
    import ast  # at the first start of a process: most programs never need it

    file = getattr(sys.modules.get("__main__"), "__file__", None)
    if file not in _trees:
        try:
            with open(file, "rb") as source:
                _trees[file] = ast.parse(source.read())
        except Exception:
            _trees[file] = None
    return _trees[file]


def runs_again():
    """Whether a new process runs the main program, as a module of another name."""
    main = sys.modules.get("__main__")
    name = getattr(getattr(main, "__spec__", None), "name", None)
    if name is not None:
        return name.rpartition(".")[2] != "__main__"
    file = getattr(main, "__file__", None)
    return bool(file) and os.path.splitext(os.path.basename(file))[0] != "ipython"


def _guards(node):
    import ast

    if not isinstance(node, ast.If):
        return False
    names = {getattr(part, "id", getattr(part, "attr", None)) for part in ast.walk(node.test)}
    return not names.isdisjoint(GUARDS)


def _line():
    """The line of the main program that its main thread is at; None where it is not in it."""
    names = vars(sys.modules["__main__"])
    frame = sys._current_frames().get(threading.main_thread().ident)
    line = None
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals is names:
            line = frame.f_lineno
        frame = frame.f_back
    return line


def check_guard(method, kind):
    """Where the main thread is outside of the guard, the new process would come there, too."""
    import ast

    tree = _tree() if runs_again() else None
    line = _line() if tree is not None else None
    if line is None:
        return
    for node in ast.walk(tree):
        if _guards(node) and node.lineno <= line <= node.end_lineno:
            return
    file = sys.modules["__main__"].__file__
    raise kind(
        f"{file}:{line} would be run again in each process that is started by {method}{user_line()}:"
        ' put it below `if __name__ == "__main__":`, or choose another policy, as FORKPOLICY=fail'
    )


def _bound(nodes):
    """The names that statements bind, and those that they bind below a guard."""
    import ast

    free, guarded = set(), set()
    for node in nodes:
        inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            free.add(node.name)
        elif _guards(node):
            guarded |= set.union(*_bound(node.body))
            free |= set.union(*_bound(node.orelse))
        elif isinstance(node, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
            for found, more in zip((free, guarded), _bound(inner)):
                found |= more
    return free, guarded


def lacking_names():
    """Without the main program none of its names is there; else those that its guard protects."""
    tree = _tree()
    free, guarded = _bound(tree.body) if tree is not None else (set(), set())
    return guarded - free
