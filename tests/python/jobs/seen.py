# SPDX-License-Identifier: Apache-2.0
"""seen.py PROGRAM LIBRARY: programs as they are written, whose children wait for what they lost.

What becomes of that is left to Python: its message is what a user sees. test_NAME are pytest's,
which takes LIBRARY from SEEN_LIBRARY. To the file SEEN_TIMES go

    waiting TIME    a child, just before the wait that hangs
    over TIME       the parent, which has been told
"""

import concurrent.futures
import contextlib
import multiprocessing
import os
import sys
import time

import libraries

FORK = multiprocessing.get_context("fork")
REST = 0.2


def note(word):
    with open(os.environ["SEEN_TIMES"], "a") as times:
        print(word, time.monotonic(), file=times)


@contextlib.contextmanager
def noting_the_end():
    try:
        yield
    finally:
        note("over")


# Each uses a library in the parent, and returns what hangs in a child.


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


def torch():
    import torch

    torch.set_num_threads(2)
    tensor = torch.ones(1_000_000)
    tensor * 2
    return lambda: tensor * 2


def prepare(library):
    global again
    again = globals()[library]()
    libraries.settle(REST)


def use(number):
    note("waiting")
    again()
    return number


# What users write.


class Rows:
    def __len__(self):
        return 4

    def __getitem__(self, number):
        return use(number)


def loader():
    from torch.utils.data import DataLoader

    for _ in DataLoader(Rows(), num_workers=1, multiprocessing_context="fork"):
        pass


def pool():
    with FORK.Pool(1) as workers:
        print(workers.map(use, range(2)))


def process_pool():
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=FORK) as workers:
        print(list(workers.map(use, range(2))))


def process():
    worker = FORK.Process(target=use, args=(1,))
    worker.start()
    worker.join()
    sys.exit(worker.exitcode)


def test_fork():
    prepare(os.environ["SEEN_LIBRARY"])
    with noting_the_end():
        child = os.fork()
        if child == 0:
            try:
                use(1)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0


def test_pool():
    prepare(os.environ["SEEN_LIBRARY"])
    with noting_the_end():
        with FORK.Pool(1) as workers:
            assert workers.map(use, range(2)) == [0, 1]


if __name__ == "__main__":
    prepare(sys.argv[2])
    with noting_the_end():
        globals()[sys.argv[1]]()
