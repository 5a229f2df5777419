"""Waits that can end, again and again: none is ever called a proven hang. `make soak`; 20 minutes.

SPDX-License-Identifier: Apache-2.0
"""

import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import ROOT, host, run

sys.path.insert(0, str(ROOT / "tests" / "python"))

import test_no_false_alarm as legitimate  # noqa: E402: found by the path just set

ROUNDS = 20
LONG_WAITS = 1_000_000  # of a slice or more; for each two of them there are three looks
HOURS = 1.5


@pytest.mark.parametrize("name", legitimate.PROGRAMS + legitimate.ENDED_BY_A_SIGNAL)
def test_legitimate_programs_do_as_well_every_time(name, tmp_path):
    bare = legitimate.run_program(name, tmp_path / "bare")
    with ThreadPoolExecutor(legitimate.AT_ONCE) as pool:
        folders = [tmp_path / str(index) for index in range(ROUNDS)]
        for outcome in pool.map(legitimate.fail_early, [name] * ROUNDS, folders):
            legitimate.check(name, bare, outcome)


def test_threads_that_wait_for_each_other(tmp_path):
    """Until a million waits have lasted long enough to be looked at: a million checks, and more."""
    long_waits, end = 0, time.monotonic() + HOURS * 3600
    for index in range(1000):
        ended = run(
            [host("watch_stress"), "seconds=60"],
            policy="fail",
            log=tmp_path / f"{index}.jsonl",
            timeout=180,
        )
        assert ended.status == 0, f"round {index}: {ended}"
        assert not ended.of("hang"), f"round {index}: {ended.of('hang')}"
        long_waits += int(re.search(r"(\d+) long waits", ended.stdout)[1])
        if long_waits >= LONG_WAITS:
            return
        assert time.monotonic() < end, f"{long_waits} long waits in {HOURS} hours"
