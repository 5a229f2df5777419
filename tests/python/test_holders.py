# SPDX-License-Identifier: Apache-2.0
"""A child that waits for a lock: who held it at the fork, and where; and what a second wait ends in."""

import pytest

import support
from python_jobs import POOLS

JOB = """
import os, threading, time
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(1)
lock, held = threading.{kind}(), threading.Event()


def hold():
    with lock:
        held.set()
        time.sleep(1)  # held here


def idle():
    time.sleep(1)


for each in ({threads}):
    threading.Thread(target=each, name=each.__name__).start()
held.wait()
child = os.fork()
if child == 0:
    {child}
os.waitpid(child, 0)
"""
ACQUIRE = "with lock: os._exit(0)"
SECOND = """
    def wait():
        with lock: os._exit(0)
    try:
        wait()
    except BaseException:
        wait()
"""


def run(folder, **parts):
    file, log = folder / "job.py", folder / "log"
    file.write_text(JOB.format(**{"kind": "Lock", "threads": "hold,", "child": ACQUIRE, **parts}))
    command = [support.environment_python("wheels"), file]
    done = support.run(command, policy="fail", log=log, env=POOLS, timeout=30)
    place = f"{file}:{JOB[: JOB.index('# held here')].count(chr(10)) + 1}"
    return done, place, "".join(f"{line}\n" for line in done.said)


def test_the_thread_and_its_line_are_named(tmp_path):
    done, place, said = run(tmp_path)
    assert f"   held    perhaps by thread 'hold' at {place} in hold when the process forked\n" in said, said
    (hang,) = done.of("hang")
    assert hang["holders"] == [{"thread": "hold", "line": place, "function": "hold"}]
    assert not hang["holders_sure"] and f"held perhaps by thread 'hold' at {place} in hold" in done.stderr


def test_each_that_may_have_held_it_is_named(tmp_path):
    _, place, said = run(tmp_path, threads="idle, hold")
    assert f"thread 'hold' at {place} in hold" in said and "thread 'idle' at " in said, said
    assert "perhaps by thread '" in said and " or thread '" in said, said


def test_a_lock_that_knows_its_owner_names_that_one(tmp_path):
    done, place, said = run(tmp_path, kind="RLock", threads="idle, hold, idle")
    assert f"   held    by thread 'hold' at {place} in hold when the process forked\n" in said, said
    assert done.of("hang")[0]["holders_sure"] is True


def test_a_wait_for_something_else_names_nobody(tmp_path):
    done, _, said = run(tmp_path, threads="pool.submit(int).result, hold", child="pool.submit(int).result()")
    assert len(done.of("hang")) == 1 and "held    " not in said, said


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
def test_a_second_wait_at_the_same_line_says_that_it_ends_the_process(tmp_path, kind):
    done, _, said = run(tmp_path, kind=kind, child=SECOND)
    assert [hang["outcome"] for hang in done.of("hang")] == ["raised", "again"], said
    assert "   now     ForkPolicyError is raised at that line\n" in said
    assert "   now     the process ends with status 70: it waits again where ForkPolicyError was raised\n" in said
