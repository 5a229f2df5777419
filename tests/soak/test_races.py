"""Races again and again: what a run of `make test` tries a few times. `make soak`; minutes each.

SPDX-License-Identifier: Apache-2.0
"""

import shutil

import pytest

from support import LIBRARY, environment_python, host, run

ROUNDS = 100


@pytest.mark.parametrize("policy", [None, "warn:*", "refuse"])
@pytest.mark.parametrize(
    "name, arguments",
    [
        ("churn", ["2000"]),
        ("last_words", []),
        ("fork_in_thread", []),
        ("fork_in_handler", []),
        ("nested_forks", []),
        ("many_threads", ["1000"]),
        ("clones", []),
        ("thread_ends", []),
    ],
)
def test_hosts_end_alike_every_time(name, arguments, policy, tmp_path):
    bare = run([host(name), *arguments], preload=False, isolated=True, timeout=120)
    for index in range(ROUNDS):
        log = tmp_path / f"{index}.jsonl" if index % 2 else None
        ended = run([host(name), *arguments], policy=policy, log=log, isolated=True, timeout=120)
        assert (ended.status, ended.stdout) == (bare.status, bare.stdout), f"round {index}: {ended}"


FORKING_POOL = """
import concurrent.futures, multiprocessing, os, threading
import polars  # its threads start and are lost at every fork; the children never use them

polars.DataFrame({"a": range(1000), "b": range(1000)}).group_by("a").agg(polars.col("b").sum())

def child(number):
    return number * 2

def forks():
    for _ in range(20):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0

threads = [threading.Thread(target=forks) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with multiprocessing.get_context("fork").Pool(4) as pool:
    assert pool.map(child, range(100)) == [number * 2 for number in range(100)]
with concurrent.futures.ProcessPoolExecutor(
    4, mp_context=multiprocessing.get_context("fork")
) as pool:
    assert list(pool.map(child, range(100))) == [number * 2 for number in range(100)]
print("done")
"""


def test_threads_that_fork_beside_a_lost_runtime():
    python = environment_python("wheels")
    for index in range(ROUNDS // 2):
        ended = run([python, "-c", FORKING_POOL], policy="warn", timeout=120)
        assert ended.status == 0 and ended.stdout == "done\n", f"round {index}: {ended}"


@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")
@pytest.mark.parametrize("name", ["plain", "fork_in_thread", "nested_forks", "thread_ends"])
def test_valgrind_finds_nothing(name):
    bare = run([host(name)], preload=False, isolated=True)
    ended = run(
        ["valgrind", "-q", "--error-exitcode=99", "--trace-children=no", host(name)],
        policy="warn:*",
        isolated=True,
        timeout=300,
    )
    assert ended.status == bare.status, ended
    assert str(LIBRARY.name) not in ended.stderr.replace("forkpolicy:", ""), ended
