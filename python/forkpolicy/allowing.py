# SPDX-License-Identifier: Apache-2.0
"""forkpolicy.allow: forks that this thread's code may make whatever they lose. See forkpolicy.h."""

import errno
import functools

ABI = 1
in_use = {}  # by id: what the shim points to must not be collected


class allow:
    """Allows the forks of a block, or of a function's call, to lose the runtimes that are named:

        with forkpolicy.allow("polars", reason="the child only execs"):
            pid = os.fork()

        @forkpolicy.allow("polars@tests/test_pool.py", "numpy")
        def start_workers(): ...

    Each argument is ``[PATTERN][@PLACE]`` as in an entry of the policy (docs/policies.md); ``"*"`` is
    every runtime. Nothing is said of such a fork, it is not refused, and its child is not watched for
    them, whatever the policy says. The record of the fork has ``reason``.

    It holds for the calling thread: not for threads that the block starts, but for all tasks that an
    event loop of this thread runs meanwhile, and in a forked child that leaves the block. Without
    the shim it does nothing.

    Raises ``TypeError`` where there is no argument, or one that is no string, and for functions whose
    body runs after the call (generators, coroutines): use a ``with`` in them. Entering raises
    ``ValueError`` for a pattern or place that is not well formed, and where all that the thread
    allows is more than a kilobyte of text. Leaving raises ``RuntimeError`` in another thread than the
    one that entered.
    """

    def __init__(self, *runtimes, reason=None):
        if not runtimes:
            raise TypeError("allow() takes at least one runtime")
        for text in runtimes + (() if reason is None else (reason,)):
            if not isinstance(text, str):
                raise TypeError(f"allow() takes strings, not {type(text).__name__}")
        self.runtimes = runtimes
        self.reason = reason
        self.entered = []  # for each time that the block was entered: what the shim was given

    def __enter__(self):
        given = []
        try:
            for runtime in self.runtimes if shim() else ():
                given.append(add(runtime, self.reason))
        except ValueError:
            remove_all(given)
            raise
        self.entered.append(given)
        return self

    def __exit__(self, kind, error, trace):
        if not remove_all(self.entered.pop()) and error is None:
            raise RuntimeError("what a thread allows ends in the same thread")

    def __call__(self, function):
        import inspect

        if any(
            is_later(function)
            for is_later in (
                inspect.isgeneratorfunction,
                inspect.iscoroutinefunction,
                inspect.isasyncgenfunction,
            )
        ):
            raise TypeError(f"{function.__qualname__} runs after its call: use a with in it")

        @functools.wraps(function)
        def call(*arguments, **named):
            with type(self)(*self.runtimes, reason=self.reason):
                return function(*arguments, **named)

        return call


@functools.lru_cache(None)
def shim():
    """The functions of the preloaded shim, and its struct; None without one."""
    import ctypes

    class Allowance(ctypes.Structure):
        _fields_ = [
            ("abi", ctypes.c_uint),
            ("what", ctypes.c_char_p),
            ("reason", ctypes.c_char_p),
            ("outer", ctypes.c_void_p),
        ]

    loaded = ctypes.PyDLL(None)
    try:
        functions = loaded.forkpolicy_allow, loaded.forkpolicy_disallow
    except AttributeError:
        return None
    for function in functions:
        function.argtypes = [ctypes.POINTER(Allowance)]
    return functions + (Allowance,)


def add(runtime, reason):
    function, _, allowance_of = shim()
    texts = [text.encode("utf-8", "surrogateescape") for text in (runtime, reason or "")]
    if any(b"\0" in text for text in texts):
        raise ValueError(f"allow({runtime!r}): a NUL byte")
    allowance = allowance_of(ABI, *texts, None)
    wrong = function(allowance)
    if wrong == errno.ENOSPC:
        raise ValueError(f"allow({runtime!r}): too much is allowed at a time")
    if wrong:
        raise ValueError(f"allow({runtime!r}): not [PATTERN][@PLACE] (and a reason in one line)")
    in_use[id(allowance)] = allowance
    return allowance


def remove_all(given):
    """False where one of them is another thread's, to which it then belongs for ever."""
    is_own = True
    for allowance in reversed(given):
        if shim()[1](allowance):
            is_own = False
        else:
            in_use.pop(id(allowance))
    return is_own
