# SPDX-License-Identifier: Apache-2.0
"""What cannot be pickled: the object that is at fault, in words.

The standard library alone, on every Python since 3.8: the shim carries this text.
"""

import sys

DEPTH = 8  # of what is looked through for an object that cannot be pickled


def is_of_pickling(error):
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name == "dump" and code.co_filename.endswith("reduction.py"):
            return True
        trace = trace.tb_next
    return False


class _Nowhere:
    """Where objects are pickled to find out whether they can be."""

    def write(self, data):
        return len(data)

    def duplicate_for_child(self, descriptor):
        return descriptor

    DupFd = duplicate_for_child


def what_fails(process, context):
    """Names the innermost object that cannot be pickled; "" where none is found."""
    parts = {"target": process._target, "args": process._args, "kwargs": process._kwargs}
    own = {name: value for name, value in vars(process).items() if not name.startswith("_")}
    context.set_spawning_popen(_Nowhere())
    try:
        for name, value in {**parts, **own}.items():
            if not _goes(value, context):
                name, value = _innermost(name, value, context)
                return f"{name}, {described(value)},"
    finally:
        context.set_spawning_popen(None)
    return ""


def _goes(value, context):
    try:
        context.reduction.ForkingPickler(_Nowhere()).dump(value)
        return True
    except Exception:
        return False


def _innermost(name, value, context):
    for _ in range(DEPTH):
        for part, inner in _parts(value):
            if not _goes(inner, context):
                name, value = name + part, inner
                break
        else:
            break
    return name, value


def _parts(value):
    own = [(f".{name}", inner) for name, inner in getattr(value, "__dict__", {}).items()]
    if isinstance(value, dict):
        return own + [(f"[{key!r}]", inner) for key, inner in value.items()]
    if isinstance(value, (list, tuple)):
        return own + [(f"[{number}]", inner) for number, inner in enumerate(value)]
    if hasattr(value, "__self__") and not isinstance(value.__self__, type(sys)):
        return [(".__self__", value.__self__)]
    if isinstance(value, type) or hasattr(value, "__code__"):
        return []
    if hasattr(value, "func") and hasattr(value, "args"):  # functools.partial
        return [(".func", value.func), (".args", value.args)]
    return own


def described(value):
    code = getattr(value, "__code__", None)
    if code is not None:
        name = getattr(value, "__qualname__", code.co_name)
        return f"the function {name} of {code.co_filename}:{code.co_firstlineno}"
    return f"a {type(value).__module__}.{type(value).__qualname__}"
