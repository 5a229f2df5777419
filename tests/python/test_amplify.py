# SPDX-License-Identifier: Apache-2.0
"""run --amplify: a hang that needs a lock to be held at the moment of the fork."""

import subprocess

import pytest

import support
from ci_runs import LIMIT, PROGRAM
from python_jobs import JOBS

LOCKS = {
    "C": [support.host("lock_held")],
    "Python": [support.environment_python("wheels"), JOBS / "lock_held_at_times.py"],
}


@pytest.mark.alone("whoever holds the lock holds it for longer where others want the processor")
@pytest.mark.parametrize("name", LOCKS)
def test_rare_hangs_are_amplified(name):
    command = LOCKS[name]

    def held(arguments, rounds):
        outcomes = [
            subprocess.run(
                [*arguments, *command], capture_output=True, text=True, timeout=LIMIT, check=True
            )
            for _ in range(rounds)
        ]
        return sum(each.stdout == "held\n" for each in outcomes), outcomes

    bare, _ = held([], 20)
    amplified, outcomes = held([PROGRAM, "run", "--amplify", "500", "--"], 20)
    assert amplified >= 12 and bare <= amplified // 3, (bare, amplified)
    assert all("forkpolicy: amplify: " in each.stderr for each in outcomes)


HELD_ALL_THE_TIME = """
import os, threading

lock, held, done = threading.Lock(), threading.Event(), threading.Event()
threading.Thread(target=lambda: lock.acquire() and held.set() or done.wait()).start()
held.wait()
os.waitpid(os.fork() or os._exit(0), 0)
done.set()
"""


def test_amplify_says_nothing_of_locks_that_are_held_all_the_time(tmp_path):
    command = [support.environment_python("wheels"), "-c", HELD_ALL_THE_TIME]
    said = "no other thread took a lock meanwhile (one that is held for 100 ms needs no amplifying)\n"
    for _ in range(5):  # on its way to rest the thread may take a lock of Python's at the fork
        done = subprocess.run(
            [PROGRAM, "run", "--amplify", "50", "--", *command], capture_output=True, text=True, timeout=LIMIT
        )
        assert done.returncode == 0
        if said in done.stderr:
            return
    raise AssertionError(done.stderr)
