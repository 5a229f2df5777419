# SPDX-License-Identifier: Apache-2.0
"""fsspec, over HTTP."""

import asyncio
import gc
import http
import threading
import time

from reset_cases.base import BELONGS, Case, raises, same, serve, until

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
