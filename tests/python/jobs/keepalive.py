# SPDX-License-Identifier: Apache-2.0
"""keepalive.py CLIENT COUNT: a process and its child ask one server at the same time.

The parent has opened a keep-alive connection before the fork, and each process asks COUNT times for
what no other asks for. CLIENT: requests, urllib3, http_client, aiohttp_thread (a loop in a thread),
aiohttp_main (a loop that the main thread runs until it has an answer). An executor waits for work.
A process asks no more when FEW of its answers were wrong. Stdout, one JSON object:
{"port": N, "parent": {"right": N, "wrong": N, "errors": {"TYPE: MESSAGE": N}}, "child": ...}.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

SOON = 2  # seconds, for one answer
FEW = 5

SERVER = """
import http.server
class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept
    wbufsize = -1  # one packet for an answer
    def do_GET(self):
        content = self.path.encode() * 10
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
    def log_message(self, *arguments):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def requests(url):
    import requests

    session = requests.Session()
    return lambda path: session.get(url + path, timeout=SOON).text


def urllib3(url):
    import urllib3

    pool = urllib3.PoolManager()
    return lambda path: pool.request("GET", url + path, timeout=SOON, retries=False).data.decode()


def http_client(url):
    from http.client import HTTPConnection

    connection = HTTPConnection(url.partition("//")[2], timeout=SOON)

    def ask(path):
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        except Exception:
            connection.close()  # the next request opens another one
            raise

    return ask


async def session_of_aiohttp():
    import aiohttp

    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(SOON))


async def text_of(session, url):
    async with session.get(url) as answer:
        return await answer.text()


def aiohttp_thread(url):
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    session = asyncio.run_coroutine_threadsafe(session_of_aiohttp(), loop).result()

    def ask(path):
        return asyncio.run_coroutine_threadsafe(text_of(session, url + path), loop).result(2 * SOON)

    return ask


def aiohttp_main(url):
    loop = asyncio.new_event_loop()
    session = loop.run_until_complete(session_of_aiohttp())
    return lambda path: loop.run_until_complete(text_of(session, url + path))


def ask_again_and_again(ask, who, count):
    answers, errors = Counter(right=0, wrong=0), Counter()
    for number in range(count):
        path = f"/{who}/{number:04}"
        try:
            answers["right" if ask(path) == path * 10 else "wrong"] += 1
        except Exception as error:
            errors[f"{type(error).__name__}: {error}"[:100]] += 1
        if answers["wrong"] + sum(errors.values()) >= FEW:
            break
    return {**answers, "errors": errors}


def main(client, count):
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE)
    port = int(server.stdout.readline())
    ask = globals()[client](f"http://127.0.0.1:{port}")
    assert ask("/before") == "/before" * 10
    executor = ThreadPoolExecutor(1)
    executor.submit(int).result()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(theirs, json.dumps(ask_again_and_again(ask, "child", count)).encode())
        os._exit(0)
    os.close(theirs)
    parent = ask_again_and_again(ask, "parent", count)
    said = os.read(ours, 100_000)
    os.waitpid(child, 0)
    server.kill()
    print(json.dumps({"port": port, "parent": parent, "child": json.loads(said)}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
