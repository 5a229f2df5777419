# SPDX-License-Identifier: Apache-2.0
"""seen.py PROGRAM LIBRARY: programs as users write them, whose children wait for what they lost.

What becomes of that is left to Python and to pytest, which runs test_NAME, with LIBRARY from
SEEN_LIBRARY. SEEN_WORKERS and SEEN_TASKS are one each where they are not set. Whatever runs after
SEEN_LIMIT seconds is killed, or, with SEEN_UNTIL_TOLD, two seconds after the log tells of a hang. To the file SEEN_TIMES go

    waiting TIME    a child, just before it waits
    over TIME       the parent, which goes on
"""

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import sys
import time

import libraries

FORK = multiprocessing.get_context("fork")
WORKERS = int(os.environ.get("SEEN_WORKERS", 1))
TASKS = range(int(os.environ.get("SEEN_TASKS", 1)))


def note(word):
    with open(os.environ["SEEN_TIMES"], "a") as times:
        print(word, time.monotonic(), file=times)


WAIT = """
end=$(($(date +%s) + SEEN_LIMIT))
while [ $(date +%s) -lt $end ]; do
    if [ "$SEEN_UNTIL_TOLD" ] && grep -q '"event":"hang"' "$FORKPOLICY_LOG"; then sleep 2; break; fi
    sleep 0.2
done
kill -KILL 0
"""


@contextlib.contextmanager
def limited():
    null = [(os.POSIX_SPAWN_OPEN, output, os.devnull, os.O_WRONLY, 0) for output in (1, 2)]
    settings = {name: os.environ.get(name, "") for name in ("SEEN_LIMIT", "SEEN_UNTIL_TOLD", "FORKPOLICY_LOG")}
    settings["PATH"] = os.defpath
    killer = os.posix_spawnp("sh", ["sh", "-c", WAIT], settings, file_actions=null)
    try:
        yield
    finally:
        note("over")
        os.kill(killer, signal.SIGKILL)
        os.waitpid(killer, 0)


# Each uses a library in the parent, and returns what waits in a child.


def executor():
    threads = concurrent.futures.ThreadPoolExecutor(1)
    threads.submit(str, 42).result()
    return lambda: threads.submit(str, 42).result()


def polars():
    import polars

    frame = polars.DataFrame({"key": [1, 2, 3] * 100, "value": [1.0] * 300})
    frame.group_by("key").sum()
    return lambda: frame.group_by("key").sum()


def tokenizers():
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    tokenizer = Tokenizer(WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.encode_batch(["a b"] * 500)
    return lambda: tokenizer.encode_batch(["a b"] * 500)


def prepare(library):
    global again
    again = globals()[library]()
    libraries.settle(rest=0.2)


def use(number):
    note("waiting")
    again()
    return number


# The programs.


class Rows:
    def __init__(self, get):
        self.get = get

    def __len__(self):
        return len(TASKS)

    def __getitem__(self, number):
        return self.get(number)


def load(rows):
    from torch.utils.data import DataLoader

    with limited():
        for _ in DataLoader(rows, num_workers=WORKERS, multiprocessing_context="fork"):
            pass


def loader():
    load(Rows(use))


def second_loader():
    """The first one leaves a handler for SIGCHLD."""
    load(Rows(abs))
    load(Rows(use))


def pool():
    with limited(), FORK.Pool(WORKERS) as workers:
        print(workers.map(use, TASKS))


def initializer():
    with limited(), FORK.Pool(WORKERS, initializer=use, initargs=(1,)) as workers:
        print(workers.map(abs, TASKS))


class Argument:
    def __reduce__(self):
        return use, (1,)


def argument():
    with limited(), FORK.Pool(WORKERS) as workers:
        print(workers.map(abs, [Argument()]))


def retry(number):
    while True:
        with contextlib.suppress(Exception):
            return use(number)


def retried():
    with limited(), FORK.Pool(WORKERS) as workers:
        print(workers.map(retry, TASKS))


def process_pool():
    with limited(), concurrent.futures.ProcessPoolExecutor(WORKERS, mp_context=FORK) as workers:
        print(list(workers.map(use, TASKS)))


def process():
    worker = FORK.Process(target=use, args=(1,))
    with limited():
        worker.start()
        worker.join()
    sys.exit(worker.exitcode)


def test_fork():
    prepare(os.environ["SEEN_LIBRARY"])
    with limited():
        child = os.fork()
        if child == 0:
            try:
                use(1)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0


def test_pool():
    prepare(os.environ["SEEN_LIBRARY"])
    with limited(), FORK.Pool(WORKERS) as workers:
        assert workers.map(use, TASKS) == [0]


if __name__ == "__main__":
    prepare(sys.argv[2])
    globals()[sys.argv[1]]()
