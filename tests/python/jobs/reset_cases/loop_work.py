# SPDX-License-Identifier: Apache-2.0
"""asyncio: what a loop is about at the fork."""

import asyncio
import gc
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from reset_cases.base import BELONGS, Case, raises, same, serve, until
from reset_cases.loops import answer, ask, running_loop


def loop_tasks():
    """A coroutine of the parent: an error for who waits for it, and not a step of it."""
    loop, _ = running_loop()
    file = Path(tempfile.mkdtemp(), "file")
    file.touch()
    gates = []

    async def make():
        gates.append(asyncio.Event())

    async def hold():
        try:
            await gates[0].wait()
            return "done"
        finally:
            file.unlink()

    async def on_behalf(task):
        return await task

    asyncio.run_coroutine_threadsafe(make(), loop).result()
    future = asyncio.run_coroutine_threadsafe(hold(), loop)
    until(lambda: len(asyncio.all_tasks(loop)) == 1)
    (task,) = asyncio.all_tasks(loop)
    late = []

    def child():
        for each in (future, *late):
            raises(RuntimeError, BELONGS, each.result)
        assert task.done()
        again = asyncio.run_coroutine_threadsafe(on_behalf(task), loop)
        raises(RuntimeError, f"hold {BELONGS}", again.result)
        raises(RuntimeError, f"answer {BELONGS}", late[0].result)
        same(asyncio.all_tasks(loop), set())
        gc.collect()
        assert file.exists()

    def parent():
        assert file.exists()
        loop.call_soon_threadsafe(gates[0].set)
        same(future.result(), "done")
        same([each.result() for each in late], [42])
        assert not file.exists()

    def last():
        late.append(asyncio.run_coroutine_threadsafe(answer(0.05), loop))

    return Case(child, parent, last)


def loop_busy():
    """The loop is in the middle of a step of a task."""
    loop, _ = running_loop()

    async def work():
        started.set()
        time.sleep(0.2)
        return "done"

    started = threading.Event()
    future = asyncio.run_coroutine_threadsafe(work(), loop)
    started.wait()

    def child():
        ask(loop)
        raises(RuntimeError, f"work {BELONGS}", future.result)

    def parent():
        ask(loop)
        same(future.result(), "done")

    return Case(child, parent)


ECHO = """
import socketserver, sys
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)
class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
with Server(("127.0.0.1", 0), Echo) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
"""


def loop_connection():
    return check_connection(serve("-c", ECHO), None)


def check_connection(port, context):
    """A connection is the parent's alone; the child's is its own."""
    loop, _ = running_loop()

    async def connect():
        return await asyncio.open_connection("127.0.0.1", port, ssl=context)

    async def say(streams, word):
        streams[1].write(word)
        return await streams[0].readline()

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

    streams = [run(connect())]
    same(run(say(streams[0], b"before\n")), b"before\n")

    def child():
        raises(ConnectionError, BELONGS, run, say(streams[0], b"from the child\n"))
        assert streams[0][1].is_closing()
        same(run(say(run(connect()), b"child\n")), b"child\n")
        loop.call_soon_threadsafe(streams[0][1].close)
        ask(loop)
        streams.clear()
        gc.collect()

    def parent():
        same(run(say(streams[0], b"parent\n")), b"parent\n")

    return Case(child, parent)


TLS = """
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
def serve(client):
    stream = context.wrap_socket(client, server_side=True).makefile("rwb")
    for line in stream:
        stream.write(line)
        stream.flush()
while True:
    threading.Thread(target=serve, args=[server.accept()[0]], daemon=True).start()
"""


def loop_tls():
    """Over TLS a word of the child, and be it of farewell, would end the parent's connection."""
    import ssl

    where = Path(tempfile.mkdtemp())
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split()
    make += ["-keyout", where / "key", "-out", where / "certificate"]
    subprocess.run(make, check=True, stderr=subprocess.DEVNULL)
    both = where / "both"
    both.write_text((where / "key").read_text() + (where / "certificate").read_text())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return check_connection(serve("-c", TLS, both), context)


def loop_ends_in_child():
    """As a client of the loop ends it: stop, join, close."""
    loop, thread = running_loop()

    def use():
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        assert not thread.is_alive() and not loop.is_running()
        loop.close()

    return Case(use)


def loop_with_executor():
    loop, _ = running_loop()

    async def use_executor():
        return await asyncio.get_running_loop().run_in_executor(None, int, "42")

    def use():
        same(asyncio.run_coroutine_threadsafe(use_executor(), loop).result(), 42)

    use()
    return Case(use)
