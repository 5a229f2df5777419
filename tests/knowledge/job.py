# SPDX-License-Identifier: Apache-2.0
"""job.py RECIPE RUNS: does what a recipe says and forks RUNS times, one child after the other.

A recipe's `use` defines work(), which the parent calls before each fork, so that the runtime's threads live,
and the child after it. One JSON line for each child on stdout: how it ended, and after how long. The process
runs in an interpreter of the recipe's environment, under a policy or bare.
"""

import json
import linecache
import os
import signal
import sys
import tempfile
import threading
import time
import tomllib
from pathlib import Path

import helpers
import watch

ROOT = f"{Path(__file__).resolve().parent.parent.parent}/"
SETTLED = 0.15  # seconds in which no thread starts, ends or runs
RESTLESS = 3  # seconds after which it does not matter: some never rest


def prepare(path, recipe):
    """Runs `use`, with the line numbers of the recipe's file, for what names lines of code or reads them."""
    source = Path(path).read_text()
    line = source[: source.index('use = """')].count("\n") + 1
    code = "\n" * line + recipe["use"]
    linecache.cache[path] = (len(code), None, code.splitlines(keepends=True), path)
    folder = tempfile.mkdtemp()
    space = {"__name__": "__main__", "folder": folder, "serve": lambda: helpers.serve(folder)}
    exec(compile(code, path, "exec"), space)
    return space


def others_run():
    """Whether another thread of this process has a processor, or waits for one."""
    own = threading.get_native_id()
    for task in os.listdir("/proc/self/task"):
        try:
            state = Path(f"/proc/self/task/{task}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue  # it has just ended
        if state == "R" and int(task) != own:
            return True
    return False


def settle():
    """Libraries start, end and rest their threads in their own time: waits until their number rests and none runs."""
    before, began = 0, time.monotonic()
    since = began
    while time.monotonic() - since < SETTLED and time.monotonic() - began < RESTLESS:
        now = len(os.listdir("/proc/self/task"))
        if now != before or others_run():
            before, since = now, time.monotonic()
        time.sleep(0.01)


def in_child(space, answer, pipe):
    os.setpgid(0, 0)
    began = time.monotonic()
    try:
        got = space.get("child", space["work"])()
        if got == answer:
            outcome = {"outcome": "works"}
        elif got == "ForkPolicyError":  # of a recipe that returns the name of its error
            outcome = {"outcome": "raises", "detail": got}
        else:
            outcome = {"outcome": "wrong", "detail": f"{got!r} not {answer!r}"[:200]}
    except BaseException as error:
        said = " ".join(str(error).split()).replace(ROOT, "")
        outcome = {"outcome": "raises", "detail": f"{type(error).__name__}: {said}"[:200]}
    outcome["seconds"] = round(time.monotonic() - began, 3)
    os.write(pipe, json.dumps(outcome).encode())


def by_fork(space, answer, pipe):
    child = os.fork()
    if child == 0:
        in_child(space, answer, pipe)
        os._exit(0)
    return child


def by_multiprocessing(space, answer, pipe):
    import multiprocessing

    process = multiprocessing.get_context("fork").Process(target=in_child, args=(space, answer, pipe))
    process.start()
    return process.pid


def by_exit(space, answer, pipe):
    """A child that uses nothing and leaves through the interpreter's clean-up."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        sys.exit(0)
    return child


def told_by(pipe):
    text = os.read(pipe, 4096)
    return json.loads(text) if text else {}


def judge(status, said):
    """How a child ended that was not given up: what it said, or what its status says."""
    if os.WIFSIGNALED(status):
        return {"outcome": "crashes", "detail": signal.Signals(os.WTERMSIG(status)).name}
    code = os.WEXITSTATUS(status)
    if said:
        return said
    if code == 70:
        return {"outcome": "ends", "detail": "status 70"}
    return {"outcome": "crashes", "detail": f"status {code}"} if code else {"outcome": "works"}


def one_child(start, space, answer, recipe, seconds):
    readable, writable = os.pipe()
    began = time.monotonic()
    child = start(space, answer, writable)
    os.close(writable)
    limit = recipe.get("limit", 12) + min(10 * seconds, 15)
    status, why, delay = watch.until_end_or_hang(child, recipe.get("patience", 2.5), limit)
    # A child of the child may keep the pipe open: nobody waits for its end.
    os.set_blocking(readable, False)
    try:
        said = told_by(readable)
    except BlockingIOError:
        said = {}
    os.close(readable)
    result = {"outcome": "hangs", "detail": why} if status is None else judge(status, said)
    result["pid"] = child
    result["seconds"] = round(max(0, result.get("seconds", time.monotonic() - began) - delay), 3)
    if result["outcome"] == "works" and result["seconds"] > max(4, 20 * seconds):
        result["outcome"] = "slow"
    return result


def main(path, runs, mode):
    recipe = tomllib.loads(Path(path).read_text())
    start = {"fork": by_fork, "multiprocessing": by_multiprocessing}[recipe.get("start", "fork")]
    space = prepare(path, recipe)
    for run in range(int(runs)):
        began = time.monotonic()
        answer = space["work"]()
        seconds = time.monotonic() - began
        settle()
        for each in [start, by_exit] if mode in ("bare", "warn") and recipe.get("exit", True) else [start]:
            result = one_child(each, space, space.get("expected", answer), recipe, seconds)
            result.update(run=run, exit=each is by_exit, parent_seconds=round(seconds, 3))
            os.write(1, f"@{json.dumps(result)}\n".encode())  # sys.stdout may be somebody's by now
    os._exit(0)  # some libraries crash in their own clean-up


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    main(*sys.argv[1:])
