# SPDX-License-Identifier: Apache-2.0
"""CASE: what a server's parent makes when it imports the application, and a request of its worker then uses.

`app` is for WSGI servers, `asgi` for ASGI. /use uses it, any other path does not.
"""

import asyncio
import ctypes
import logging
import os
import platform
import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

FUTEX = {"x86_64": 202, "aarch64": 98}.get(platform.machine())


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


def logging_lock():
    """A thread of the parent's is in a slow handler."""
    entered = threading.Event()

    class Slow(logging.Handler):
        def emit(self, record):
            entered.set()
            threading.Event().wait(600)

    log = logging.getLogger("app")
    log.addHandler(Slow())
    threading.Thread(target=log.error, args=("the application is there",), daemon=True).start()
    entered.wait()
    return lambda: log.error("a request")


def wait_until_it_rests(thread):
    """In a wait for a lock without a time limit: one for the GIL has one."""
    place = Path(f"/proc/self/task/{thread.native_id}/syscall")
    while True:
        call = place.read_text().split()
        if len(call) > 4 and int(call[0]) == FUTEX and int(call[4], 16) == 0:
            return
        time.sleep(0.01)


def scheduler():
    """Nobody waits for its thread: the job that a worker adds is not done."""
    from apscheduler.schedulers.background import BackgroundScheduler

    made, done = BackgroundScheduler(), threading.Event()
    made.start()
    wait_until_it_rests(made._thread)

    def use():
        made.add_job(done.set)
        if not done.wait(2):
            raise LookupError("the job did not run")

    return use


def posthog():
    from posthog import Posthog

    client = Posthog("phc_key", host="http://127.0.0.1:9")

    def use():
        client.capture("seen", distinct_id="one")
        client.flush()

    return use


def kafka():
    """librdkafka, with a broker of its own in the parent."""
    from confluent_kafka import Producer

    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "x", "log_level": 0})
    producer.produce("topic", b"by the parent")
    producer.flush(10)

    def use():
        producer.produce("topic", b"by a worker")
        producer.flush()

    return use


def psycopg_pool():
    """Threads of the pool's would open the second connection."""
    from psycopg_pool import ConnectionPool

    pool = ConnectionPool(os.environ["POSTGRES"], min_size=1, max_size=4, timeout=2, open=True)
    pool.wait()

    def use():
        with pool.connection() as one, pool.connection() as two:
            one.execute("select 1")
            two.execute("select 1")

    return use


def sqlalchemy():
    """One connection, on which each worker reads what the other has asked."""
    import psycopg2
    import sqlalchemy

    connect = lambda: psycopg2.connect(os.environ["POSTGRES"])  # noqa: E731
    engine = sqlalchemy.create_engine("postgresql+psycopg2://", creator=connect, pool_pre_ping=True)

    def ask(number):
        with engine.connect() as connection:
            return connection.execute(sqlalchemy.text(f"select {number}, pg_sleep(0.005)")).scalar()

    def use():
        for number in range(os.getpid() * 1000, os.getpid() * 1000 + 50):
            if ask(number) != number:
                raise LookupError("another process's answer")

    ask(1)
    return use


def grpc_channel():
    import grpc

    channel = grpc.insecure_channel(os.environ["GRPC_SERVER"])
    ask = channel.unary_unary("/any/call")
    ask(b"", timeout=10)
    return lambda: ask(b"")


def healthy():
    return int


def own():
    """Healthy: each process has a thread of its own that answers, and the parent one that nobody needs."""
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    made = {}

    def work(asked):
        while True:
            asked.get().set_result(os.getpid())

    def use():
        if os.getpid() not in made:
            made[os.getpid()] = queue.Queue()
            threading.Thread(target=work, args=(made[os.getpid()],), daemon=True).start()
        answer = Future()
        made[os.getpid()].put(answer)
        return answer.result()

    return use


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
