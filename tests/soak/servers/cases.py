# SPDX-License-Identifier: Apache-2.0
"""CASE: what a server's parent makes when it imports the application, and a request of its worker then uses.

`app` is for WSGI servers, `asgi` for ASGI. /use uses it, any other path does not.
"""

import asyncio
import ctypes
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor


def library():
    """A thread of the parent's has a lock of the library's."""
    made = ctypes.CDLL(os.environ["FOREIGN_LIBRARY"])
    made.foreign_hold()
    return made.foreign_ask


def executor():
    pool = ThreadPoolExecutor(2)
    pool.submit(int).result()
    return lambda: pool.submit(int).result()


def loop():
    made = asyncio.new_event_loop()
    threading.Thread(target=made.run_forever, daemon=True).start()
    return lambda: asyncio.run_coroutine_threadsafe(asyncio.sleep(0), made).result()


def lock():
    made, entered = threading.Lock(), threading.Event()

    def hold():
        with made:
            entered.set()
            threading.Event().wait(600)

    threading.Thread(target=hold, daemon=True).start()
    entered.wait()

    def use():
        with made:
            pass

    return use


def scheduler():
    """Nobody waits for its thread: what it should have done is not done."""
    from apscheduler.schedulers.background import BackgroundScheduler

    made, done, parent = BackgroundScheduler(), threading.Event(), os.getpid()
    made.add_job(lambda: os.getpid() != parent and done.set(), "interval", seconds=0.2)
    made.start()

    def use():
        if not done.wait(2):
            raise LookupError("the job did not run")

    return use


def grpc_channel():
    import grpc

    channel = grpc.insecure_channel(os.environ["GRPC_SERVER"])
    ask = channel.unary_unary("/any/call")
    ask(b"", timeout=10)
    return lambda: ask(b"")


def healthy():
    return int


use = globals()[os.environ["CASE"]]()


def app(environ, start_response):
    if environ["PATH_INFO"] == "/use":
        use()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]


application = app  # uwsgi's name for it


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    if scope["path"] == "/use":
        use()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})


if os.environ.get("REDIS"):
    from celery import Celery

    celery = Celery("cases", broker=os.environ["REDIS"], backend=os.environ["REDIS"])

    @celery.task
    def ask(path):
        if path == "/use":
            use()
        return os.getpid()
