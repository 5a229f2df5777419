# SPDX-License-Identifier: Apache-2.0
"""resets.py MODE CASE [FORKS]: a forked child uses runtimes that its parent's threads keep.

MODE: `bare`; `reset`; `embedded`: the resets as the shim has them, without the package; or `shim`,
for a job that is run under the shim: as bare, the shim does it. With `-exit`, the child leaves by
sys.exit instead of os._exit.

Each case, a function of reset_cases/, returns a Case. Stdout, one JSON object:

    children    for each fork "answered", "raised TYPE: MESSAGE", "hung" or "ended STATUS"
    parent      "answered", or "raised ..."
    reports     [[runtime, microseconds, error], ...] of the last child
    before      microseconds of work for the resets in the parent, at the cheapest fork

Runs on every Python since 3.8; libraries are imported by the cases that are about them.
"""

import json
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path

from reset_cases import (
    base,
    buckets,
    executors,
    files,
    listeners,
    loop_work,
    loops,
    tables,
    together,
)

LIMIT = float(os.environ.get("RESETS_LIMIT", 60))
ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "python"
MODULES = (executors, loops, loop_work, listeners, together, files, buckets, tables)

marks = {}


def mark(name):
    marks[name] = time.thread_time_ns()


def load(mode):
    """The driver of the resets: the package's, or as the shim embeds it."""
    if mode in ("bare", "shim"):
        return None
    if mode == "reset":
        sys.path.insert(0, str(PACKAGE))
        from forkpolicy import resets

        return resets
    sys.path.insert(0, str(ROOT / "tools"))
    import embed_package

    module = type(sys)("_forkpolicy_resets")
    sys.modules[module.__name__] = module
    files = sorted((PACKAGE / "forkpolicy" / "resets").glob("*.py"))
    exec(embed_package.embedded(files), module.__dict__)
    assert "forkpolicy" not in sys.modules
    return module


def describe(error):
    return " ".join(f"raised {type(error).__name__}: {error}".split())


def fork_once(case, leaves):
    """How the child did; in the child it does not return."""
    ours, theirs = os.pipe()
    case.last()
    base.prepare()
    child = os.fork()
    if child == 0:
        os.close(ours)
        os.write(theirs, json.dumps(base.reports).encode() + b"\n")
        try:
            case.child()
            said = "answered"
        except BaseException as error:
            said = describe(error)
        os.write(theirs, json.dumps(said).encode() + b"\n")
        if leaves:
            raise Leave
        os._exit(0)
    os.close(theirs)
    return wait_for(child, ours)


class Leave(Exception):
    """The child goes back to where it can exit."""


def wait_for(child, pipe):
    """(how it did, what it reported)."""
    end, said, status = time.monotonic() + LIMIT, b"", None
    while status is None and time.monotonic() < end:
        if select.select([pipe], [], [], 0.002)[0]:
            said += os.read(pipe, 100_000)
        pid, status = os.waitpid(child, os.WNOHANG)
        status = status if pid else None
    if status is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    os.set_blocking(pipe, False)
    try:
        said += os.read(pipe, 100_000)
    except BlockingIOError:
        pass
    os.close(pipe)
    told, answered = (said.split(b"\n") + [b""])[:2] if said else (b"[]", b"")
    told, answered = json.loads(told), json.loads(answered or b'""')
    if status is None:
        return f"hung, having {answered}" if answered else "hung", told
    return answered if status == 0 and answered else f"ended {status} {answered}", told


def use_in_parent(case):
    """In a thread, since it may hang."""
    said = []

    def use():
        try:
            case.parent()
            said.append("answered")
        except BaseException as error:
            said.append(describe(error))

    thread = threading.Thread(target=use, daemon=True)
    thread.start()
    thread.join(LIMIT)
    return said[0] if said else "hung"


def find(name):
    """The function of a case."""
    return next(getattr(module, name) for module in MODULES if hasattr(module, name))


def main(mode, name, forks=1):
    mode, _, leaves = mode.partition("-")
    os.register_at_fork(before=lambda: mark("end"))  # the first one registered is run last
    base.resets = load(mode)
    if base.resets:
        base.prepare()
    os.register_at_fork(before=lambda: mark("start"))
    case, result, spent = find(name)(), {"children": []}, []
    for _ in range(int(forks)):
        said, result["reports"] = case.fork_in(lambda: fork_once(case, leaves))
        result["children"].append(said)
        spent.append((marks["end"] - marks["start"]) // 1000)
    result["before"] = min(spent)
    result["parent"] = use_in_parent(case)
    for each in base.at_end:
        each()
    print(json.dumps(result), flush=True)
    os._exit(0)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Leave:
        pass
