# SPDX-License-Identifier: Apache-2.0
"""Every plan of plans.c under `fail`: what is live is never called a proven hang, what is dead is.

Each is run once under the shim. Then live ones wait thousands of times under a shim in a hurry
(hasty.c), a second each: one in SHARE of them, or all again and again for PROOF_SECONDS.
"""

import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import support

SECONDS = float(os.environ.get("PROOF_SECONDS", "0"))
AT_ONCE = 6  # they mostly sleep
SHARE = 7
PROVEN = 0.95  # of the dead
FOLDER = support.BUILD / "proof"
HASTY = FOLDER / "libforkpolicy.so"


def plans(kind):
    """The names of plans, live or dead."""
    if not (FOLDER / "plans").exists():
        return []
    listing = subprocess.run([FOLDER / "plans", "list"], stdout=subprocess.PIPE, check=True)
    lines = listing.stdout.decode().splitlines()
    return [name for name, of in map(str.split, lines) if of == kind]


LIVE, DEAD = plans("live"), plans("dead")


def proven(outcome):
    return [hang for hang in outcome.of("hang") if hang["verdict"] == "proven"]


def run_all(names, run):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(zip(names, pool.map(run, names)))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """{plan: its outcome}."""
    folder = tmp_path_factory.mktemp("plans")

    def run(plan):
        return support.run(
            [FOLDER / "plans", plan, 1], policy="fail", log=folder / plan, timeout=40
        )

    return dict(run_all(LIVE + DEAD, run))


@pytest.fixture(scope="module")
def storms(request, tmp_path_factory):
    """[(plan, seed, outcome)] under the shim in a hurry."""
    folder = tmp_path_factory.mktemp("storms")
    found, seed, end = [], 1, time.monotonic() + SECONDS
    while seed == 1 or time.monotonic() < end:

        def run(plan):
            return support.run(
                [FOLDER / "plans", plan, seed, 1],
                policy="fail",
                log=folder / f"{plan}-{seed}",
                env={"LD_PRELOAD": str(HASTY)},
                timeout=60,
            )

        found += [(plan, seed, outcome) for plan, outcome in run_all(chosen(), run)]
        seed += 1
    counts = [re.search(r"waits (\d+) looks (\d+)", outcome.stdout) for _, _, outcome in found]
    waits, looks = (sum(int(count[i]) for count in counts if count) for i in (1, 2))
    request.config.figures = [f"{len(chosen())} live plans: {waits} waits, {looks} looks at them"]
    return found


def chosen():
    return LIVE if SECONDS else LIVE[::SHARE]


def test_there_are_plans():
    assert len(LIVE) >= 100 and len(DEAD) >= 20 and HASTY.exists(), "run make guest-programs"


@pytest.mark.parametrize("plan", LIVE)
def test_live_is_never_proven(plan, outcomes):
    assert outcomes[plan].status == 0 and not proven(outcomes[plan]), outcomes[plan]


def test_dead_is_proven(outcomes):
    unseen = [plan for plan in DEAD if outcomes[plan].status != 70 or not proven(outcomes[plan])]
    assert len(unseen) <= (1 - PROVEN) * len(DEAD), unseen


@pytest.mark.parametrize("plan", chosen())
def test_live_is_never_proven_at_any_moment(plan, storms):
    for seed, outcome in [(seed, outcome) for name, seed, outcome in storms if name == plan]:
        assert outcome.status == 0 and not proven(outcome), f"seed {seed}: {outcome}"


def test_looks_come_at_any_moment(storms):
    assert sum("looks 0" not in outcome.stdout for _, _, outcome in storms) > len(storms) / 2
