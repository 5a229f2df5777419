# SPDX-License-Identifier: Apache-2.0
"""Has multiprocessing start its processes by `spawn` or `forkserver`, without a change of the program.

What such a process lacks, and a forked one has, is an error that names the object and the line. On
every Python since 3.8, with the standard library alone: as the package `forkpolicy.start`, or
embedded in the shim (tools/embed_package.py).
"""

import importlib
import os
import sys
import types

from . import main_program, pickling


def set_start_method(name, method, replaces_fork, kind, tell):
    """Has multiprocessing, whose module `name` is about to be imported, start processes by `method`
    where the program does not choose one; replaces_fork: also where it chooses fork.

    kind: of errors; tell: writes lines to stderr.
    """
    context = importlib.import_module(name)
    default = context._default_context
    chosen = context._concrete_contexts[method]
    told = []

    def is_possible():
        """A new process imports the main program, which takes a file."""
        if not main_program.imported_as() and not told:
            told.append(True)
            tell(
                f"forkpolicy: {method} is not possible in pid {os.getpid()}: its main program is no"
                " file that a new process could import; its processes are forked, as under fail\n"
            )
        return bool(main_program.imported_as())

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
            main_program.check_guard(method, kind)
        try:
            return popen(process)
        except Exception as error:
            said = pickling.is_of_pickling(error) and pickling.what_fails(process, context)
            if not said:
                raise
            text = (
                f"{said} cannot be sent to a process that is started by {method}"
                f"{main_program.user_line()}: {error}. Define it at the top of a module, or start"
                ' this process by multiprocessing.get_context("fork")'
            )
            raise _same_kind(error, text) from error

    return start


def _same_kind(error, text):
    try:
        return type(error)(text)
    except Exception:
        return RuntimeError(text)


def _refuse_what_children_lack(context, method):
    """A function that is pickled by its name in the main program, and is not there in a new process,
    ends a Pool's worker at each try, without end. Forked children have it."""
    pickler = context.reduction.ForkingPickler
    lacking = {}

    def is_forked(process):
        return getattr(process._popen, "method", None) == "fork"

    def is_lacking(value):
        is_started = context.get_spawning_popen() is not None
        if not is_started and any(map(is_forked, list(context.process._children))):
            return False
        if not main_program.runs_again():
            return True
        file = sys.modules["__main__"].__file__
        if file not in lacking:
            lacking[file] = main_program.lacking_names()
        return value.__qualname__.partition(".")[0] in lacking[file]

    def reducer_override(self, value):
        if (
            isinstance(value, (types.FunctionType, type))
            and value.__module__ == "__main__"
            and main_program.imported_as()
            and is_lacking(value)
        ):
            raise context.reduction.pickle.PicklingError(
                f"{pickling.described(value)} is not there in a process that is started by {method},"
                ' which runs the main program without what is below `if __name__ == "__main__":`:'
                " define it above, or in another module"
            )
        return NotImplemented

    if not hasattr(pickler, "reducer_override"):
        pickler.reducer_override = reducer_override
