# SPDX-License-Identifier: Apache-2.0
"""What servers talk to, on 127.0.0.1: redis and postgres from Debian, a grpc server of our own."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import servers_run as run

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
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
def redis(programs):
    program = shutil.which("redis-server")
    if not program:
        yield None
        return
    port = run.free_port()
    with tempfile.TemporaryDirectory() as folder:
        options = ["--bind", "127.0.0.1", "--save", "", "--dir", folder]
        with run.started([program, "--port", port, *options], **QUIET):
            yield {"REDIS": f"redis://127.0.0.1:{port}/0", "C_FORCE_ROOT": "1"}


@contextlib.contextmanager
def grpc(programs):
    place = f"127.0.0.1:{run.free_port()}"
    with run.started([programs / "python", "-c", GRPC, place], **QUIET):
        yield {"GRPC_SERVER": place}


def postgres_programs():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextlib.contextmanager
def postgres(programs):
    """It refuses to run as root: as the user that Debian makes for it."""
    folder_of_programs, other = postgres_programs(), []
    if os.geteuid() == 0:
        other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    if not folder_of_programs:
        yield None
        return
    port = run.free_port()
    with tempfile.TemporaryDirectory() as folder:
        if other:
            shutil.chown(folder, "postgres", "postgres")
        data = f"{folder}/data"
        make = [folder_of_programs / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"]
        subprocess.run([*other, *make], check=True, cwd=folder, **QUIET)
        serve = [folder_of_programs / "postgres", "-D", data, "-p", port, "-F"]
        # In the folder, which is removed also where nobody has told it to end.
        settings = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        settings += ["-c", "dynamic_shared_memory_type=mmap"]
        with run.started([*other, *serve, *settings], cwd=folder, **QUIET):
            ready = [folder_of_programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port)]
            assert run.until(lambda: subprocess.run(ready, **QUIET).returncode == 0), "postgres does not start"
            yield {"POSTGRES": f"host=127.0.0.1 port={port} user=postgres dbname=postgres"}


ALL = {"redis": redis, "grpc": grpc, "postgres": postgres}


@contextlib.contextmanager
def running(names, programs):
    """{name: the variables by which a server finds it, or None where it is not installed}."""
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(ALL[name](programs)) for name in sorted(names)}
