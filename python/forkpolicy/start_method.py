# Compiled into the shim: it must stand alone and run on every Python since 3.8.
import os
import sys

GUARDS = "__name__", "current_process"
DEPTH = 8  # of what is looked through for an object that cannot be pickled


def set_start_method(name, method, replaces_fork, kind, tell):
    """Has multiprocessing, whose module `name` is about to be imported, start processes by `method`
    where the program does not choose one; replaces_fork: also where it chooses fork.

    kind: of errors; tell: writes lines to stderr.
    """
    import importlib

    context = importlib.import_module(name)
    default = context._default_context
    chosen = context._concrete_contexts[method]
    told = []

    def is_possible():
        """A new process imports the main program, which takes a file."""
        if not _main_file() and not told:
            told.append(True)
            tell(
                f"forkpolicy: {method} is not possible in pid {os.getpid()}: its main program is no"
                " file that a new process could import; its processes are forked, as under fail\n"
            )
        return bool(_main_file())

    class Default(type(default)):
        """Chooses when it is asked: the main program is not there yet when this is imported."""

        @property
        def _default_context(self):
            return chosen if is_possible() else original

        def get_context(self, method=None):
            if method == "fork" and replaces_fork and is_possible():
                return chosen
            return super().get_context(method)

    original = default.__dict__.pop("_default_context")
    default.__class__ = Default

    def is_ours():
        return replaces_fork or default._actual_context is chosen

    for process in (context.SpawnProcess, context.ForkServerProcess):
        process._Popen = staticmethod(_checked(process, context, is_ours, kind))
    if name == "multiprocessing.context":  # `multiprocess` pickles functions by their code
        _refuse_what_children_lack(context, method)


def _checked(kind_of_process, context, is_ours, kind):
    """Starts a process; an error of pickling names the object, and the user's line. is_ours: whether
    it may be that the program did not choose the method."""
    popen, method = kind_of_process._Popen, kind_of_process._start_method

    def start(process):
        if is_ours():
            _check_guard(method, kind)
        try:
            return popen(process)
        except Exception as error:
            said = _of_pickling(error) and _what_fails(process, context)
            if not said:
                raise
            text = (
                f"{said} cannot be sent to a process that is started by {method}"
                f"{_user_line()}: {error}. Define it at the top of a module, or start this"
                ' process by multiprocessing.get_context("fork")'
            )
            raise _same_kind(error, text) from error

    return start


def _same_kind(error, text):
    try:
        return type(error)(text)
    except Exception:
        return RuntimeError(text)


def _main_file():
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    return getattr(spec, "name", None) or getattr(main, "__file__", None)


def _user_line():
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


# What cannot be pickled


def _of_pickling(error):
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


def _what_fails(process, context):
    """Names the innermost object that cannot be pickled; "" where none is found."""
    parts = {"target": process._target, "args": process._args, "kwargs": process._kwargs}
    own = {name: value for name, value in vars(process).items() if not name.startswith("_")}
    context.set_spawning_popen(_Nowhere())
    try:
        for name, value in {**parts, **own}.items():
            if not _goes(value, context):
                name, value = _innermost(name, value, context)
                return f"{name}, {_described(value)},"
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


def _described(value):
    code = getattr(value, "__code__", None)
    if code is not None:
        name = getattr(value, "__qualname__", code.co_name)
        return f"the function {name} of {code.co_filename}:{code.co_firstlineno}"
    return f"a {type(value).__module__}.{type(value).__qualname__}"


# What a new process does not have: it runs the main program without what its guard protects


_trees = {}


def _tree():
    """The syntax of the main program's file; None where that cannot be read."""
    import ast

    file = getattr(sys.modules.get("__main__"), "__file__", None)
    if file not in _trees:
        try:
            with open(file, "rb") as source:
                _trees[file] = ast.parse(source.read())
        except Exception:
            _trees[file] = None
    return _trees[file]


def _runs_again():
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


def _check_guard(method, kind):
    """Where the main thread is outside of the guard, the new process would come there, too."""
    import ast
    import threading

    tree = _tree() if _runs_again() else None
    names = vars(sys.modules["__main__"]) if tree is not None else None
    frame = sys._current_frames().get(threading.main_thread().ident) if tree is not None else None
    line = None
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals is names:
            line = frame.f_lineno
        frame = frame.f_back
    if line is None:
        return
    for node in ast.walk(tree):
        if _guards(node) and node.lineno <= line <= node.end_lineno:
            return
    file = sys.modules["__main__"].__file__
    raise kind(
        f"{file}:{line} would be run again in each process that is started by {method}{_user_line()}:"
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


def _names_of_main_that_are_lacking():
    """Without the main program none of its names is there; else those that its guard protects."""
    tree = _tree()
    free, guarded = _bound(tree.body) if tree is not None else (set(), set())
    return guarded - free


def _refuse_what_children_lack(context, method):
    """A function that is pickled by its name in the main program, and is not there in a new process,
    ends a Pool's worker at each try, without end. Forked children have it."""
    import types

    pickler = context.reduction.ForkingPickler
    lacking = {}

    def is_forked(process):
        return getattr(process._popen, "method", None) == "fork"

    def is_lacking(value):
        is_started = context.get_spawning_popen() is not None
        if not is_started and any(map(is_forked, list(context.process._children))):
            return False
        if not _runs_again():
            return True
        file = sys.modules["__main__"].__file__
        if file not in lacking:
            lacking[file] = _names_of_main_that_are_lacking()
        return value.__qualname__.partition(".")[0] in lacking[file]

    def reducer_override(self, value):
        if (
            isinstance(value, (types.FunctionType, type))
            and value.__module__ == "__main__"
            and _main_file()
            and is_lacking(value)
        ):
            raise context.reduction.pickle.PicklingError(
                f"{_described(value)} is not there in a process that is started by {method}, which"
                ' runs the main program without what is below `if __name__ == "__main__":`: define'
                " it above, or in another module"
            )
        return NotImplemented

    if not hasattr(pickler, "reducer_override"):
        pickler.reducer_override = reducer_override
