# SPDX-License-Identifier: Apache-2.0
"""resets.py MODE CASE [FORKS]: a forked child uses runtimes that its parent's threads keep.

MODE: `bare`; `reset`; `embedded`: the resets as the shim has them, without the package; or `shim`,
for a job that is run under the shim: as bare, the shim does it. With `-exit`, the child leaves by
sys.exit instead of os._exit.

Each case returns a Case. Stdout, one JSON object:

    children    for each fork "answered", "raised TYPE: MESSAGE", "hung" or "ended STATUS"
    parent      "answered", or "raised ..."
    reports     [[runtime, microseconds, error], ...] of the last child
    before      microseconds of work for the resets in the parent, at the cheapest fork

Runs on every Python since 3.8; libraries are imported by the cases that are about them.
"""

import asyncio
import collections
import concurrent.futures
import gc
import json
import logging
import logging.handlers
import multiprocessing
import os
import queue
import random
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LIMIT = float(os.environ.get("RESETS_LIMIT", 10))
PACKAGE = Path(__file__).resolve().parents[3] / "python"


class Case:
    """What a case does: `child()` after the fork, `parent()` after the child's end, both raise
    where something is not as it should be; `last()` just before the fork; `fork_in(function)`
    calls the function that forks, in another thread, for example."""

    def __init__(self, child, parent=None, last=None, fork_in=None):
        self.child = child
        self.parent = parent or child
        self.last = last or (lambda: None)
        self.fork_in = fork_in or (lambda function: function())


def same(seen, expected):
    assert seen == expected, f"{seen!r} instead of {expected!r}"


def raises(kind, words, function, *arguments):
    try:
        answer = function(*arguments)
    except kind as error:
        assert words in str(error), str(error)
        return
    raise AssertionError(f"no {kind.__name__}, but {answer!r}")


def until(condition):
    """Waits for a condition; nothing tells when a thread has come to where it rests."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


BELONGS = "belongs to the parent process"

# ThreadPoolExecutor


def idle_pool(workers=2, **settings):
    """An executor all of whose threads wait for work."""
    pool = ThreadPoolExecutor(workers, **settings)
    together = threading.Barrier(workers)
    for future in [pool.submit(together.wait) for _ in range(workers)]:
        future.result()
    time.sleep(0.02)
    return pool


def executor():
    pool = idle_pool()

    def use():
        same(pool.submit(int, "42").result(), 42)
        same(list(pool.map(int, "123")), [1, 2, 3])

    return Case(use)


def executor_tasks():
    """One task that runs, others that wait, one that was cancelled; a callback; as_completed."""
    pool, gate, called = ThreadPoolExecutor(1), threading.Event(), []
    started = threading.Event()

    def wait_for_gate():
        started.set()
        return gate.wait()

    futures = [pool.submit(wait_for_gate), pool.submit(int, "1"), pool.submit(int, "2")]
    cancelled = pool.submit(int, "3")
    cancelled.cancel()
    for future in futures:
        future.add_done_callback(lambda future: called.append(os.getpid()))
    done = pool.submit(int, "4")
    started.wait()

    def child():
        raises(RuntimeError, f"wait_for_gate {BELONGS}", futures[0].result)
        raises(RuntimeError, f"builtins.int {BELONGS}", futures[1].result)
        same(concurrent.futures.wait(futures).not_done, set())
        same(set(concurrent.futures.as_completed(futures)), set(futures))
        raises(concurrent.futures.CancelledError, "", cancelled.result)
        same(called, [])
        raises(RuntimeError, BELONGS, done.result)
        same(pool.submit(int, "42").result(), 42)
        pool.shutdown()
        raises(RuntimeError, "after shutdown", pool.submit, int, "42")

    def parent():
        gate.set()
        same([future.result() for future in futures], [True, 1, 2])
        same(done.result(), 4)
        until(lambda: called == [os.getpid()] * 3)
        same(pool.submit(int, "42").result(), 42)

    # Others wait for the same tasks at the fork.
    threading.Thread(target=concurrent.futures.wait, args=[futures], daemon=True).start()
    until(lambda: futures[0]._waiters)
    return Case(child, parent)


def executor_as_completed():
    """The fork is in the middle of a loop over as_completed."""
    pool, gate = ThreadPoolExecutor(2), threading.Event()
    quick, slow = pool.submit(int, "1"), pool.submit(gate.wait)
    completed = concurrent.futures.as_completed([quick, slow])
    same(next(completed), quick)

    def child():
        (rest,) = completed
        raises(RuntimeError, BELONGS, rest.result)

    def parent():
        gate.set()
        same(list(completed), [slow])

    return Case(child, parent)


def executor_handed_over():
    """A task that a worker was just given: since 3.13 it is in no queue then."""
    pool, futures = idle_pool(1), []

    def work():
        time.sleep(0.2)
        return 7

    def child():
        raises(RuntimeError, f"work {BELONGS}", futures[-1].result)
        same(pool.submit(int, "42").result(), 42)

    def parent():
        same(futures[-1].result(), 7)

    return Case(child, parent, last=lambda: futures.append(pool.submit(work)))


def executor_abandoned():
    """Nobody holds the executor any more, its tasks are still done."""
    pool, gate = ThreadPoolExecutor(1), threading.Event()
    started = threading.Event()
    futures = [pool.submit(lambda: started.set() or gate.wait()), pool.submit(int, "1")]
    started.wait()
    del pool
    gc.collect()

    def child():
        for future in futures:
            raises(RuntimeError, BELONGS, future.result)

    def parent():
        gate.set()
        same(futures[1].result(), 1)

    return Case(child, parent)


class Ordered(ThreadPoolExecutor):
    """As in many a recipe: a subclass with priorities, and an initializer."""

    def __init__(self, workers):
        super().__init__(workers, initializer=self.begin, initargs=("begun",))
        self._work_queue = queue.PriorityQueue()
        self.local = threading.local()

    def begin(self, word):
        self.local.word = word


class Entry:
    """A work item that can be ordered."""

    def __init__(self, priority, item):
        self.priority, self.item, self.future = priority, item, item.future

    def __lt__(self, other):
        return self.priority < other.priority

    def run(self, *arguments):
        return self.item.run(*arguments)


def executor_subclass():
    pool = ThreadPoolExecutor(1, initializer=lambda: setattr(local, "word", "begun"))
    local = threading.local()

    def use():
        same(pool.submit(lambda: local.word).result(), "begun")

    use()
    return Case(use)


def executor_priorities():
    pool = Ordered(1)
    put = pool._work_queue.put
    pool._work_queue.put = lambda item: put(item and Entry(0, item))
    gate, started = threading.Event(), threading.Event()
    busy = pool.submit(lambda: started.set() or gate.wait())
    waiting = pool.submit(lambda: pool.local.word)
    started.wait()

    def child():
        raises(RuntimeError, BELONGS, busy.result)
        raises(RuntimeError, BELONGS, waiting.result)
        same(pool.submit(lambda: pool.local.word).result(), "begun")

    def parent():
        gate.set()
        same(waiting.result(), "begun")

    return Case(child, parent)


def executor_lock():
    """Another thread is in the middle of `submit`."""
    pool, gate, held = idle_pool(), threading.Event(), threading.Event()

    def hold():
        with pool._shutdown_lock:
            held.set()
            gate.wait()

    threading.Thread(target=hold, daemon=True).start()
    held.wait()

    def parent():
        gate.set()
        same(pool.submit(int, "42").result(), 42)

    return Case(lambda: same(pool.submit(int, "42").result(), 42), parent)


def executor_in_worker():
    """A worker forks: its executor has no other thread."""
    pool = idle_pool(1)
    return Case(
        lambda: same(pool.submit(int, "42").result(10), 42),
        fork_in=lambda function: pool.submit(function).result(),
    )


def executor_with_coroutine():
    """A coroutine that goes on in the child waits for an executor of the parent."""
    pool, gate = ThreadPoolExecutor(1), threading.Event()

    async def main():
        waiting = asyncio.wrap_future(pool.submit(gate.wait))
        await asyncio.sleep(0.02)
        prepare()
        child = os.fork()
        if child == 0:
            signal.alarm(5)
            try:
                await waiting
            except RuntimeError as error:
                os._exit(0 if BELONGS in str(error) else 1)
        same(os.waitpid(child, 0)[1], 0)
        gate.set()
        same(await waiting, True)

    return Case(lambda: None, parent=lambda: asyncio.run(main()))


# asyncio


async def answer(delay=0.0):
    await asyncio.sleep(delay)
    return 42


def ask(loop):
    same(asyncio.run_coroutine_threadsafe(answer(), loop).result(), 42)


def running_loop():
    """A loop that runs in a thread, and the thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="the-loop", daemon=True)
    thread.start()
    ask(loop)
    return loop, thread


def loop_in_thread():
    loop, thread = running_loop()

    def use():
        ask(loop)
        assert loop.is_running() and thread.is_alive()

    return Case(use)


def loop_unused():
    """A child that does not need the loop has no thread more."""
    loop, thread = running_loop()

    def child():
        same(len(os.listdir("/proc/self/task")), 1)
        assert loop.is_running() and not thread.is_alive()

    return Case(child, lambda: ask(loop))


def loop_in_function():
    loop = asyncio.new_event_loop()

    def run():
        asyncio.set_event_loop(loop)
        loop.run_forever()

    threading.Thread(target=run, daemon=True).start()
    ask(loop)
    return Case(lambda: ask(loop))


def loop_in_subclass():
    class Runner(threading.Thread):
        def run(self):
            self.loop = asyncio.new_event_loop()
            ready.set()
            self.loop.run_forever()

    ready, runner = threading.Event(), Runner(daemon=True)
    runner.start()
    ready.wait()
    ask(runner.loop)
    before = runner.loop

    def use():
        ask(runner.loop)
        assert runner.loop is before and runner.is_alive()

    return Case(use)


def loop_of_asyncio_run():
    loops = queue.Queue()

    async def main():
        loops.put(asyncio.get_running_loop())
        await asyncio.sleep(3600)

    threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
    loop = loops.get()
    ask(loop)
    return Case(lambda: ask(loop))


def loop_in_executor():
    loop, pool = asyncio.new_event_loop(), ThreadPoolExecutor(1)
    future = pool.submit(loop.run_forever)
    ask(loop)

    def child():
        ask(loop)
        raises(RuntimeError, f"run_forever {BELONGS}", future.result)

    def parent():
        ask(loop)
        loop.call_soon_threadsafe(loop.stop)
        future.result()

    return Case(child, parent)


def loop_just_started():
    """The thread has not come to the loop yet."""
    made = []

    def start():
        loop = asyncio.new_event_loop()
        made.append(loop)
        threading.Thread(target=loop.run_forever, daemon=True).start()

    return Case(lambda: ask(made[-1]), last=start)


def loop_in_main_thread():
    """The main thread runs the loop, and one of its executor's threads forks."""
    loops = []

    async def main(function):
        loops.append(asyncio.get_running_loop())
        other = asyncio.ensure_future(answer(0.2))
        try:
            return await loops[-1].run_in_executor(None, function)
        finally:
            same(await other, 42)

    return Case(
        lambda: ask(loops[-1]),
        parent=lambda: None,
        fork_in=lambda function: asyncio.run(main(function)),
    )


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


def serve(*command):
    """A server in a process of its own, which ends with this one; the port that it says."""
    server = subprocess.Popen(
        [sys.executable, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    at_end.append(server.kill)
    return int(server.stdout.readline())


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


# QueueListener


class Handled(logging.Handler):
    """Writes what it handles to a file: one line for each record, in one write."""

    def __init__(self):
        super().__init__()
        self.file = Path(tempfile.mkdtemp(), "log")
        self.file.touch()
        self.gate = None

    def emit(self, record):
        if self.gate:
            self.gate.wait()
        with open(self.file, "a") as file:
            file.write(f"{record.getMessage()}\n")

    def lines(self):
        return self.file.read_text().splitlines()


def listening(records):
    """A logger whose records go through a queue to a listener."""
    handled, log = Handled(), logging.getLogger("resets")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(logging.handlers.QueueHandler(records))
    listener = logging.handlers.QueueListener(records, handled)
    listener.start()
    log.info("before")
    until(lambda: handled.lines() == ["before"])
    return listener, handled, log


def check_listener(records):
    listener, handled, log = listening(records)
    gate = handled.gate = threading.Event()
    for word in ("one", "two", "three"):
        log.info(word)  # handled by the parent, and by nobody else
    time.sleep(0.02)

    def child():
        gate.set()
        log.info("child")
        until(lambda: "child" in handled.lines())
        same(handled.lines(), ["before", "child"])

    def parent():
        gate.set()
        log.info("parent")
        until(lambda: "parent" in handled.lines())
        own = [line for line in handled.lines() if line != "child"]
        same(own, ["before", "one", "two", "three", "parent"])

    return Case(child, parent)


def listener():
    return check_listener(queue.Queue(-1))


def listener_simple_queue():
    return check_listener(queue.SimpleQueue())


def listener_process():
    """A multiprocessing child says something and ends: nothing is left in the queue."""
    listener, handled, log = listening(queue.Queue(-1))

    def work():
        for i in range(100):
            log.info("from the child %d", i)

    def parent():
        process = multiprocessing.get_context("fork").Process(target=work)
        prepare()
        process.start()
        process.join(10)
        same(process.exitcode, 0)
        same(handled.lines()[1:], [f"from the child {i}" for i in range(100)])
        listener.stop()

    return Case(lambda: None, parent)


def listener_shared():
    """multiprocessing's queue: the parent listens to the child."""
    records = multiprocessing.get_context("fork").Queue()
    listener, handled, log = listening(records)

    def child():
        time.sleep(0.1)
        same(handled.lines(), ["before"])
        assert not listener._thread.is_alive()

    def parent():
        log.info("parent")
        until(lambda: "parent" in handled.lines())

    return Case(child, parent)


def says_its_pid():
    """A listener of a queue: a function that logs, and waits until that is handled."""
    _, handled, log = listening(queue.Queue(-1))

    def use():
        log.info("%d %d", os.getpid(), len(handled.lines()))
        until(lambda: f"{os.getpid()} " in handled.file.read_text())

    return use


def listener_used():
    return Case(says_its_pid())


# More than one


def everything():
    """An executor, a loop and a listener: a function that uses them."""
    pool, (loop, _), say = idle_pool(), running_loop(), says_its_pid()

    def use():
        ask(loop)
        same(pool.submit(int, "42").result(), 42)
        say()

    return use


def several():
    return Case(everything())


def fork_again(use):
    """Forks a child that uses something; it must end well."""
    prepare()
    grandchild = os.fork()
    if grandchild == 0:
        try:
            signal.alarm(10)
            use()
            os._exit(0)
        except BaseException as error:
            print(error, file=sys.stderr)
        os._exit(1)
    same(os.waitpid(grandchild, 0)[1], 0)


def grandchild():
    """The child forks before it has used anything, and after."""
    use = everything()

    def child():
        fork_again(use)
        use()
        fork_again(use)
        use()

    return Case(child, use)


def storm():
    """At the fork other threads submit, work and wait: no future is left open in the child."""
    pool, (loop, _) = ThreadPoolExecutor(3), running_loop()
    asked = collections.deque(maxlen=30)
    rests = threading.Event()

    def again_and_again(function):
        while not rests.is_set():
            futures = function()
            asked.extend(futures)
            concurrent.futures.wait(futures)

    def submit():
        return [pool.submit(sum, range(100)), pool.submit(time.sleep, 0.001)]

    def run():
        coroutines = (answer(), answer(0.001))
        return [asyncio.run_coroutine_threadsafe(each, loop) for each in coroutines]

    for function in (submit, submit, run, run):
        threading.Thread(target=again_and_again, args=[function], daemon=True).start()

    def child():
        asked_before = list(asked)
        same(pool.submit(int, "42").result(), 42)
        ask(loop)
        _, open_still = concurrent.futures.wait(asked_before, 5)
        assert not open_still, (open_still, reports)
        for future in asked_before:
            error = future.exception()
            assert error is None or BELONGS in str(error), error

    def parent():
        rests.set()
        for future in list(asked):
            future.result()

    # A fork at any moment
    return Case(child, parent, last=lambda: time.sleep(random.random() * 0.002))


def backlog():
    """At the fork workers take one old task after the other, and keep the GIL busy."""

    def work():
        end = time.thread_time() + 0.001
        while time.thread_time() < end:
            pass

    pool, futures = ThreadPoolExecutor(3), []

    def last():
        if len(futures) < 20_000 and pool._work_queue.qsize() < 500:
            futures[:] = [pool.submit(work) for _ in range(2000)]
        time.sleep(random.random() * 0.01)

    def child():
        _, open_still = concurrent.futures.wait(futures, 2)
        assert not open_still, (open_still, reports)
        same(pool.submit(int, "42").result(), 42)

    def parent():
        same(concurrent.futures.wait(futures).not_done, set())

    return Case(child, parent, last)


def one_fails():
    """A reset that fails is reported, and hinders no other."""
    use = everything()

    class Strange(asyncio.AbstractEventLoop):
        def run_forever(self):
            threading.Event().wait()

        def is_closed(self):
            return False

    threading.Thread(target=Strange().run_forever, daemon=True).start()
    return Case(use)


def nothing():
    return Case(lambda: None)


def costs():
    """A hundred executors with four threads each, at rest."""
    pools = [idle_pool(4) for _ in range(100)]
    return Case(lambda: same([pool.submit(int, "1").result() for pool in pools], [1] * 100))


# fsspec

FILES = """
import http.server, re, time
CONTENT = {"small": b"hello", "slow": b"hello"}
CONTENT.update(large=bytes(3_000_000), huge=bytes(60_000_000))
class Files(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept
    def do_GET(self):
        name = self.path.strip("/")
        content, status = CONTENT[name], 200
        if name == "slow":
            time.sleep(1)
        wanted = re.match(r"bytes=(\\d+)-(\\d+)", self.headers.get("Range", ""))
        if wanted:
            first, last = map(int, wanted.groups())
            content, status, whole = content[first : last + 1], 206, len(content)
        self.send_response(status)
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{whole}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)
    do_HEAD = do_GET
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def http_server():
    return f"http://127.0.0.1:{serve('-c', FILES)}"


def http(use, **settings):
    """`use(files, url)` with a filesystem that the parent has used; the parent uses it after."""
    import fsspec

    url = http_server()
    files = fsspec.filesystem("http", **settings)
    same(files.cat(f"{url}/small"), b"hello")

    def parent():
        gc.collect()
        same(files.cat(f"{url}/small"), b"hello")
        same(fsspec.filesystem("http").cat(f"{url}/small"), b"hello")

    return Case(lambda: use(files, url), parent)


def fsspec_filesystem():
    return http(lambda files, url: same(files.cat(f"{url}/small"), b"hello"))


def fsspec_uncached():
    return http(
        lambda files, url: same(files.cat(f"{url}/small"), b"hello"), skip_instance_cache=True
    )


def fsspec_new():
    """A new filesystem always works in the child; that of the parent must go on with the child's
    garbage collected."""
    import fsspec

    def use(files, url):
        same(fsspec.filesystem("http").cat(f"{url}/small"), b"hello")
        fsspec.asyn.AsyncFileSystem.clear_instance_cache()
        gc.collect()

    return http(use)


def fsspec_in_turn():
    """The same, and the parent has an answer before each fork, too."""
    case = fsspec_new()
    case.last = case.parent
    return case


def fsspec_file():
    """A file that the parent has opened and begun to read."""
    import fsspec

    url = http_server()
    file = fsspec.open(f"{url}/large", block_size=100_000, cache_type="readahead").open()

    def read_at(place):
        file.seek(place)
        same(file.read(1000), bytes(1000))

    read_at(0)
    return Case(lambda: read_at(1_000_000), lambda: read_at(2_000_000))


def fsspec_stream():
    """In the middle of one answer: that is the parent's."""
    import fsspec

    file = fsspec.open(f"{http_server()}/huge", block_size=0).open()
    same(file.read(1000)[:10], bytes(10))

    def read_all():
        while file.read(1_000_000):
            pass

    def child():
        raises(Exception, BELONGS, read_all)
        file.close()

    return Case(child, read_all)


def fsspec_interrupted():
    """Other threads have requests under way, as many as the session allows."""
    import aiohttp
    import fsspec

    async def client(**settings):
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=2), **settings)

    url = http_server()
    files = fsspec.filesystem("http", get_client=client)
    same(files.cat(f"{url}/small"), b"hello")
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(files.cat(f"{url}/slow"))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    until(lambda: len(asyncio.all_tasks(files.loop)) == 2)
    time.sleep(0.1)

    def parent():
        for thread in threads:
            thread.join()
        same(answers, [b"hello"] * 2)
        same(files.cat(f"{url}/small"), b"hello")

    return Case(lambda: same(files.cat(f"{url}/small"), b"hello"), parent)


def fsspec_read_ahead():
    """A file that reads its next block in an executor, and is at it."""
    import fsspec
    from fsspec.caching import BackgroundBlockCache

    held, gate = threading.Event(), threading.Event()

    def fetch(start, end):
        if threading.current_thread() is not threading.main_thread() and not gate.is_set():
            held.set()
            gate.wait()
        return bytes(end - start)

    assert fsspec.filesystem("http").loop
    cache = BackgroundBlockCache(1000, fetch, 10_000)
    same(cache._fetch(0, 1000), bytes(1000))
    held.wait()

    def child():
        gate.set()
        same(cache._fetch(1000, 2000), bytes(1000))
        same(cache._fetch(2000, 4000), bytes(2000))

    return Case(child)


def s3(use):
    """`use(files)` with s3fs at a server of this machine."""
    import s3fs

    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    port = free_port()
    server = subprocess.Popen(
        [Path(sys.executable).parent / "moto_server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    at_end.append(server.kill)
    wait_for_port(port)
    settings = {"endpoint_url": f"http://127.0.0.1:{port}", "key": "key", "secret": "secret"}
    files = s3fs.S3FileSystem(**settings)
    files.mkdir("bucket")
    files.pipe("bucket/file", b"hello" * 100_000)

    def parent():
        gc.collect()
        same(files.cat("bucket/file")[:5], b"hello")

    return Case(lambda: use(files), parent)


def s3_filesystem():
    def use(files):
        same(files.cat("bucket/file"), b"hello" * 100_000)
        assert "bucket/file" in files.ls("bucket")
        files.pipe("bucket/from-the-child", b"child")

    return s3(use)


def s3_new():
    """A new filesystem; then the child's garbage is collected, the parent's filesystem among it."""

    def use(files):
        files = type(files)(**files.storage_options)
        same(files.cat("bucket/file"), b"hello" * 100_000)
        type(files).clear_instance_cache()
        del files
        gc.collect()

    return s3(use)


def s3_file():
    opened = []
    case = s3(lambda files: same(opened[0].read(5), b"hello"))
    import s3fs

    files = next(iter(s3fs.S3FileSystem._cache.values()))
    opened.append(files.open("bucket/file", block_size=1000))
    same(opened[0].read(5), b"hello")
    opened[0].seek(400_000)
    return case


def free_port():
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for_port(port):
    import socket

    end = time.monotonic() + 60
    while time.monotonic() < end:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"no server at port {port}")


# lancedb


def lancedb_imported():
    """Imported by the parent, used by the child first."""
    import lancedb

    def child():
        table = lancedb.connect(tempfile.mkdtemp()).create_table("t", [{"x": 1}, {"x": 2}])
        same(table.count_rows(), 2)

    return Case(child)


def lancedb_used():
    case = lancedb_imported()
    case.child()
    return case


# The job

at_end = []  # what the parent does before it ends
reports = []  # of the child
marks = {}


def mark(name):
    marks[name] = time.thread_time_ns()


def prepare():
    """What the shim does before a fork; nothing in a bare run."""
    if resets:
        resets.prepare(frozenset("*"), lambda *said: reports.append(said))


resets = None


def load(mode):
    """The driver of the resets: the package's, or as the shim embeds it."""
    if mode in ("bare", "shim"):
        return None
    if mode == "reset":
        sys.path.insert(0, str(PACKAGE))
        from forkpolicy import resets

        return resets
    sources = PACKAGE / "forkpolicy" / "resets"
    module = type(sys)("_forkpolicy_resets")
    sys.modules[module.__name__] = module
    exec((sources / "__init__.py").read_text(), module.__dict__)
    for name in module.MODULES:
        module.add(name, (sources / f"{name}.py").read_text())
    assert "forkpolicy" not in sys.modules
    return module


def describe(error):
    return " ".join(f"raised {type(error).__name__}: {error}".split())


def fork_once(case, leaves):
    """How the child did; in the child it does not return."""
    ours, theirs = os.pipe()
    case.last()
    prepare()
    child = os.fork()
    if child == 0:
        os.close(ours)
        os.write(theirs, json.dumps(reports).encode() + b"\n")
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


def main(mode, name, forks=1):
    global resets
    mode, _, leaves = mode.partition("-")
    os.register_at_fork(before=lambda: mark("end"))  # the first one registered is run last
    resets = load(mode)
    if resets:
        prepare()
    os.register_at_fork(before=lambda: mark("start"))
    case, result, spent = globals()[name](), {"children": []}, []
    for _ in range(int(forks)):
        said, result["reports"] = case.fork_in(lambda: fork_once(case, leaves))
        result["children"].append(said)
        spent.append((marks["end"] - marks["start"]) // 1000)
    result["before"] = min(spent)
    result["parent"] = use_in_parent(case)
    for each in at_end:
        each()
    print(json.dumps(result), flush=True)
    os._exit(0)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Leave:
        pass
