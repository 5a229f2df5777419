# SPDX-License-Identifier: Apache-2.0
"""What the child will be without: the threads of the parent, and what they are doing.

A thread tells its runtime by the functions on its stack, wherever it was started and however it
is wrapped; by its target, where it has only just been started. No list of all objects is needed.

The other threads may go on between the look and the fork. What they have begun in that time was
made in that time, as a rule, and is among the youngest objects of the child. What remains: a
runtime that starts its first thread in that time.
"""

import gc
import sys
import threading
import time

# Functions that tell of a runtime: what they are called here, where they are (the same from
# CPython 3.8 to 3.14), and the local variables that are wanted.
TELLING = (
    (
        "worker",
        "concurrent.futures.thread",
        "_worker",
        ("executor_reference", "work_queue", "work_item"),
    ),
    ("task", "concurrent.futures.thread", "_WorkItem.run", ("self",)),
    ("loop", "asyncio.base_events", "BaseEventLoop.run_forever", ("self",)),
    ("step", "asyncio.base_events", "BaseEventLoop._run_once", ("self", "handle")),
    ("listener", "logging.handlers", "QueueListener._monitor", ("self",)),
)
OUTERMOST = ("worker", "listener")  # targets of threads: beyond them is nothing to be told
LONG = 0.05  # seconds: a fork and its handlers, on a machine that is busy
FEW = 20_000  # young objects that may be looked through; more are there with the collector off


class Call:
    """A telling function that runs: its `values` (a list, as wanted), its `thread` (None: one
    that `threading` does not know), and whether that `is_own`, the one that forks."""

    __slots__ = ("thread", "is_own", "values")

    def __init__(self, thread, is_own, values):
        self.thread = thread
        self.is_own = is_own
        self.values = values


class LostLoop:
    """An event `loop` that ran in another `thread` (None: one that `threading` does not know), and
    the `handles` that it was at."""

    def __init__(self, loop, thread, handles):
        self.loop = loop
        self.thread = thread
        self.handles = handles


class Lost:
    """The state of one fork: seen in the parent, worked off in the child.

    - `calls`: what is called, as in TELLING -> [Call]
    - `starting`: [threading.Thread] that run none of these functions, or not yet
    - `loops`: id(loop) -> LostLoop, until a reset takes it; `loop_ids`: of all that were there
    - `items`: the work items of executors that were given up in the child
    """

    def __init__(self):
        self._look()
        if self._has_backlog():  # a worker must not take an old task after the look
            _hold()
            self._look()
        self.loops = {id(each.loop): each for each in self._find_loops()}
        self.loop_ids = frozenset(self.loops)
        self.items = []
        self._young = None

    def young(self, kind):
        """The objects of a class, made shortly before the fork; asked in the child."""
        if self._young is None:
            few = gc.get_count()[0] <= FEW
            self._young = gc.get_objects(generation=0) if few else []
        return [each for each in self._young if isinstance(each, kind)]

    def _look(self):
        self.calls = {name: [] for name, _, _, _ in TELLING}
        self.starting = []
        telling = {id(code): (name, wanted) for name, code, wanted in _codes()}
        # Not this function's: a frame in a variable of its own would, until the next collection,
        # keep all that the functions had which are forking.
        own = id(sys._getframe().f_back)
        for ident, frame in sys._current_frames().items():
            thread, is_own, tells = threading._active.get(ident), False, False
            while frame is not None:
                is_own = is_own or id(frame) == own  # gevent replaces the ids of threads
                name, wanted = telling.get(id(frame.f_code), (None, None))
                if name:
                    self.calls[name].append(Call(thread, is_own, _locals(frame, wanted)))
                    tells = True
                    if name in OUTERMOST:
                        break
                frame = frame.f_back
            if thread and not (tells or is_own):
                self.starting.append(thread)
        self.starting += threading._limbo.values()

    def _has_backlog(self):
        """Whether tasks wait for workers."""
        queues = {id(call.values[1]): call.values[1] for call in self.calls["worker"]}
        sizes = (getattr(each, "_qsize", getattr(each, "qsize", None)) for each in queues.values())
        return any(size() for size in sizes if size)

    def _find_loops(self):
        steps = [call.values for call in self.calls["step"]]
        for call in self.calls["loop"]:
            loop = call.values[0]
            if loop is not None and not call.is_own:
                handles = [handle for each, handle in steps if each is loop and handle is not None]
                yield LostLoop(loop, call.thread, handles)
        for thread in self.starting:
            loop = self.target_of(thread, "run_forever")
            if loop is not None and not loop.is_closed():
                yield LostLoop(loop, thread, [])

    @staticmethod
    def target_of(thread, name):
        """The object whose method of this name a thread was started to run, or None."""
        target = getattr(thread, "_target", None)
        return (
            getattr(target, "__self__", None) if getattr(target, "__name__", "") == name else None
        )


_usual_interval = None  # None: it holds


def _hold():
    """Has the other threads wait until this one blocks, or `release` is called.

    Whoever waits for the GIL already takes it now. Then none of them may ask this one to let go:
    only if the GIL stays with one thread for the interval that holds when the wait begins.
    """
    global _usual_interval
    time.sleep(0.00005)
    if _usual_interval is None:
        _usual_interval = sys.getswitchinterval()
        sys.setswitchinterval(LONG)


def release():
    """After the fork, in parent and child."""
    global _usual_interval
    if _usual_interval is not None:
        sys.setswitchinterval(_usual_interval)
        _usual_interval = None


def _codes():
    """(name, code, wanted) of the functions in TELLING whose modules are imported."""
    for name, module, path, wanted in TELLING:
        found = sys.modules.get(module)
        for part in path.split("."):
            found = getattr(found, part, None)
        if hasattr(found, "__code__"):
            yield name, found.__code__, wanted


def _locals(frame, wanted):
    """Some local variables of a frame; None for one that is not set.

    Until 3.12 the frame keeps what it has shown, which would keep a task alive that its thread has
    long done, and an executor that nobody else holds: it is emptied again. (Not under a debugger,
    which writes back from there.)
    """
    shown = frame.f_locals
    values = [shown.get(name) for name in wanted]
    if type(shown) is dict and frame.f_trace is None:
        shown.clear()
    return values
