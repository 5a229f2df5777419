# SPDX-License-Identifier: Apache-2.0
"""docs/servers.md, by real runs: servers_table.py [ROW...] prints rows, --write renews the page.

A worker uses what its server's parent has made, bare and under each policy; then explain is asked about the bare one.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

import servers_environment  # noqa: E402: found by the path just set
import servers_run as run  # noqa: E402
import support  # noqa: E402

OPTIONS = "hang_seconds=2,grace_seconds=2"
PAGE = support.ROOT / "docs" / "servers.md"
GUNICORN = ["{programs}/gunicorn", "--no-control-socket", "--preload", "-w", "2", "-b", "127.0.0.1:{port}"]
SYNC = [*GUNICORN, "cases:app"]
GTHREAD = [*GUNICORN, "-k", "gthread", "--threads", "2", "cases:app"]
UVICORN = [*GUNICORN, "-k", "uvicorn_worker.UvicornWorker", "cases:asgi"]
UWSGI = ["{programs}/uwsgi", "--http-socket", "127.0.0.1:{port}", "--master", "-p", "2", "--enable-threads"]
UWSGI += ["--die-on-term", "-w", "cases"]
CELERY = ["{programs}/celery", "-A", "cases:celery", "worker", "--concurrency", "2"]

USES = {
    "library": "a C library's lock",
    "executor": "a ThreadPoolExecutor",
    "loop": "an asyncio loop's thread",
    "lock": "a Python lock",
    "scheduler": "apscheduler's thread",
    "grpc_channel": "a grpc channel",
    "healthy": "nothing of it",
}
SERVERS = {"sync": SYNC, "gthread": GTHREAD, "uvicorn": UVICORN, "uwsgi": UWSGI, "celery": CELERY}
NAMES = {
    "sync": "gunicorn, sync",
    "gthread": "gunicorn, gthread",
    "uvicorn": "gunicorn, uvicorn's workers",
    "uwsgi": "uwsgi",
    "celery": "celery, prefork, redis",
}
ROWS = [("sync", use) for use in USES]
ROWS += [("gthread", "library"), ("gthread", "healthy"), ("uvicorn", "executor"), ("uvicorn", "healthy")]
ROWS += [("uwsgi", use) for use in ("library", "executor", "lock", "scheduler", "healthy")]
ROWS += [("celery", use) for use in ("library", "executor", "healthy")]
WAYS = ("bare", "warn", "fail", "reset", "--ci", "explain")


class Table:
    def __init__(self, programs, folder, redis, grpc):
        self.programs, self.folder = programs, folder
        self.redis, self.grpc = redis, grpc

    def server(self, name):
        if name == "celery":
            return run.Celery(SERVERS[name], self.programs, self.redis)
        return run.Http(SERVERS[name], self.programs)

    def variables(self, server, use):
        library = self.folder / "libforeign.so"
        path = f"{self.programs}:{os.environ['PATH']}"  # where py-spy is
        wanted = {"CASE": use, "FOREIGN_LIBRARY": str(library), "GRPC_SERVER": self.grpc, "PATH": path}
        return support.environment(preload=False, extra={**server.variables, **wanted})

    @contextlib.contextmanager
    def serving(self, name, use, *prefix):
        """(its client, its process, the file of what it says), once a request has been answered."""
        server, said = self.server(name), self.folder / "said"
        with open(said, "w") as stream:
            settings = {"env": self.variables(server, use), "cwd": HERE / "servers"}
            with run.started([*prefix, *server.command], stdout=stream, stderr=stream, **settings) as process:
                assert run.until(server.is_ready), said.read_text()
                yield server, process, said

    def bare(self, name, use):
        with self.serving(name, use) as (server, _, _):
            return {"answered": "works", "error": "not done"}.get(server.ask("/use"), "hangs")

    def policy(self, name, use, policy):
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        prefix = [support.PROGRAM, "run", "--policy", policy, "--log", log, "--options", OPTIONS, "--"]
        with self.serving(name, use, *prefix) as (server, _, said):
            answer = server.ask("/use")
            hangs = lambda: [each for each in support.read_log(log) if each["event"] == "hang"]  # noqa: E731
            if answer == "hung":
                run.until(lambda: any(each["outcome"] != "waits" for each in hangs()), run.PATIENCE)
            outcomes = {each["outcome"] for each in hangs()}
            goes_on = run.until(lambda: server.ask("/") == "answered", 15)
            told = "forkpolicy: " in said.read_text()
        if answer == "answered":
            return "works, told at the fork" if told else "works"
        if "exited" in outcomes or "aborted" in outcomes:
            return "worker ended and replaced" if goes_on else "worker ended"
        if "raised" in outcomes:
            return "error in the request" if goes_on else "error, then nothing"
        return ("not done" if answer == "error" else "hangs") + (", told" if told else ", silent")

    def ci(self, name, use):
        prefix = [support.PROGRAM, "run", "--ci", "--ci-report", self.folder, "--"]
        with self.serving(name, use, *prefix) as (server, process, _):
            answer = server.ask("/use")
            ended = run.until(lambda: process.poll() is not None, 20 if answer != "answered" else 2)
            return f"ended, {process.returncode}" if ended else "goes on"

    def explain(self, name, use):
        with self.serving(name, use) as (server, process, _):
            server.ask("/use")
            done = subprocess.run(
                [support.PROGRAM, "explain", str(process.pid)],
                env=self.variables(server, use),
                capture_output=True,
                text=True,
            )
        if done.returncode != 3:
            return "no hang"
        report = done.stdout.partition("forkpolicy:   python ")[0]
        named = "it is not known which" not in report
        advised = any(word in report for word in ("post_fork", "postfork", "worker_process_init", "after_in_child"))
        told = ["line"] * ("/cases.py:" in report) + ["cause"] * named + ["advice"] * advised
        return "hang: " + ", ".join(told) if told else "hang"

    def cell(self, name, use, way):
        if way in ("warn", "fail", "reset"):
            return self.policy(name, use, way)
        return {"bare": self.bare, "--ci": self.ci, "explain": self.explain}[way](name, use)

    def row(self, name, use):
        return [NAMES[name], USES[use], *(self.cell(name, use, way) for way in WAYS)]


GRPC = """
import concurrent.futures, grpc, sys, time
def serve(details):
    return grpc.unary_unary_rpc_method_handler(lambda request, context: request)
server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
handler = type("Handler", (grpc.GenericRpcHandler,), {"service": lambda self, details: serve(details)})
server.add_generic_rpc_handlers([handler()])
server.add_insecure_port(sys.argv[1])
server.start()
server.wait_for_termination()
"""


@contextlib.contextmanager
def table():
    programs = servers_environment.programs()
    foreign = HERE.parent / "python" / "jobs" / "foreign.c"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        library = folder / "libforeign.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-pthread", "-o", library, foreign], check=True)
        redis, grpc = run.free_port(), f"127.0.0.1:{run.free_port()}"
        options = ["--bind", "127.0.0.1", "--save", "", "--dir", folder]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        stack.enter_context(run.started(["redis-server", "--port", redis, *options], **quiet))
        stack.enter_context(run.started([programs / "python", "-c", GRPC, grpc], **quiet))
        yield Table(programs, folder, f"redis://127.0.0.1:{redis}/0", grpc)


HEAD = """# Servers

What a worker of a real server does that uses what its parent has made: by `make servers`, with
the versions of [tests/soak/servers.txt](../tests/soak/servers.txt) and all defaults of the servers, but `--preload` of gunicorn.
`warn`, `fail` and `reset` are `forkpolicy run --policy ...` with `hang_seconds=2,grace_seconds=2`. "Not done": nobody waits for
the thread that was lost. `explain` is asked without the shim: "line" is the application's, "cause" what was lost, "advice" the server's.

"""


def line(cells):
    return f"| {' | '.join(cells)} |\n"


def page(rows):
    heads = ["server", "the worker uses", *WAYS]
    return HEAD + line(heads) + line("-" * 3 for _ in heads) + "".join(map(line, rows))


def read_page():
    """Its rows, as lists of cells."""
    lines = [each for each in PAGE.read_text().splitlines() if each.startswith("| ")]
    return [[cell.strip() for cell in each.strip("|").split("|")] for each in lines[2:]]


def main(arguments):
    wanted = [each for each in arguments if each != "--write"]
    rows = []
    with table() as made:
        for name, use in ROWS:
            if not wanted or f"{name}/{use}" in wanted:
                rows.append(made.row(name, use))
                print(line(rows[-1]), end="", flush=True)
    if "--write" in arguments:
        PAGE.write_text(page(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
