# SPDX-License-Identifier: Apache-2.0
"""The rows of docs/servers.md: which server or job, and what its forked process uses of its parent's."""

WAYS = ("bare", "warn", "fail", "reset", "--ci", "explain")
POLICIES = ("warn", "fail", "reset")
OPTIONS = "hang_seconds=2,grace_seconds=2"

GUNICORN = ["{programs}/gunicorn", "--no-control-socket", "--preload", "-w", "2", "-b", "127.0.0.1:{port}"]
UWSGI = ["{programs}/uwsgi", "--http-socket", "127.0.0.1:{port}", "--master", "-p", "2", "--enable-threads"]
SERVERS = {
    "sync": [*GUNICORN, "cases:app"],
    "gthread": [*GUNICORN, "-k", "gthread", "--threads", "2", "cases:app"],
    "uvicorn": [*GUNICORN, "-k", "uvicorn_worker.UvicornWorker", "cases:asgi"],
    "uwsgi": [*UWSGI, "--die-on-term", "-w", "cases"],
    "celery": ["{programs}/celery", "-A", "cases:celery", "worker", "--concurrency", "2"],
}
NAMES = {
    "sync": "gunicorn, sync",
    "gthread": "gunicorn, gthread",
    "uvicorn": "gunicorn, uvicorn's workers",
    "uwsgi": "uwsgi",
    "celery": "celery, prefork, redis",
    "job": "a Process of a job",
}
USES = {
    "library": "a C library's lock",
    "executor": "a ThreadPoolExecutor",
    "loop": "an asyncio loop's thread",
    "lock": "a Python lock",
    "logging_lock": "logging, held by a slow handler",
    "scheduler": "apscheduler's thread",
    "posthog": "posthog's thread",
    "kafka": "confluent-kafka's producer",
    "psycopg_pool": "psycopg's pool",
    "sqlalchemy": "SQLAlchemy's pool, one connection",
    "grpc_channel": "a grpc channel",
    "healthy": "nothing of it",
    "lightgbm": "lightgbm",
    "xgboost": "xgboost",
    "catboost": "catboost",
    "faiss": "faiss",
    "blosc2": "blosc2",
    "onnxruntime": "onnxruntime's session",
    "onnxruntime_dropped": "onnxruntime's session, dropped",
    "h5py": "h5py, beside threads that read",
    "fastrlock": "a lock of fastrlock",
    "rasterio": "rasterio",
    "wandb": "a wandb run, offline",
    "manager": "a Manager beside a Pool",
}
JOBS = list(USES)[list(USES).index("lightgbm") :]

ROWS = [
    ("sync", use)
    for use in USES
    if use not in JOBS and use != "logging_lock"
]
ROWS += [("gthread", "library"), ("gthread", "psycopg_pool"), ("gthread", "healthy")]
ROWS += [("uvicorn", "executor"), ("uvicorn", "healthy")]
ROWS += [
    ("uwsgi", use) for use in ("library", "executor", "lock", "logging_lock", "scheduler", "kafka", "healthy")
]
ROWS += [("celery", use) for use in ("library", "executor", "sqlalchemy", "healthy")]
ROWS += [("job", use) for use in JOBS]

# As many requests at once: one process reads what another has asked for.
AT_ONCE = {"sqlalchemy": 4}
MORE_OPTIONS = {"sqlalchemy": ",sever=1", "psycopg_pool": ",sever=1"}


def services(name, use):
    """What a row needs beside its server."""
    wanted = {"celery": {"redis"}}.get(name, set())
    return wanted | {
        "grpc_channel": {"grpc"},
        "psycopg_pool": {"postgres"},
        "sqlalchemy": {"postgres"},
    }.get(use, set())


def parse(wanted):
    """Rows by their names: "sync/lock uwsgi" is one row, and all of uwsgi's."""
    words = wanted.replace(",", " ").split()
    unknown = [each for each in words if not any(each in (name, f"{name}/{use}") for name, use in ROWS)]
    if unknown:
        raise SystemExit(f"no such row: {' '.join(unknown)} (they are SERVER or SERVER/USE, see servers_rows.py)")
    return [(name, use) for name, use in ROWS if not words or name in words or f"{name}/{use}" in words]
