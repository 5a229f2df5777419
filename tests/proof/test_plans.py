# SPDX-License-Identifier: Apache-2.0
"""Every plan of plans.c under `fail`: what is live is never called a proven hang, what is dead is.

Twenty seconds with one seed; PROOF_SECONDS goes through further seeds for as long.
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
PROVEN = 0.95  # of the dead


def program():
    path = support.BUILD / "proof" / "plans"
    assert path.exists(), f"{path} is not built: run make guest-programs"
    return path


def plans(kind):
    """The names of plans, live or dead."""
    path = support.BUILD / "proof" / "plans"
    if not path.exists():
        return []
    listing = subprocess.run([path, "list"], stdout=subprocess.PIPE, check=True).stdout.decode()
    return [name for name, of in map(str.split, listing.splitlines()) if of == kind]


def run(plan, seed, folder, policy="fail"):
    log = folder / f"{plan}-{seed}" if policy else None
    return support.run(
        [program(), plan, seed], policy=policy, preload=policy is not None, log=log, timeout=40
    )


@pytest.fixture(scope="module")
def outcomes(request, tmp_path_factory):
    """{plan: its outcomes, a seed each}, for the selected plans; some run at the same time."""
    folder = tmp_path_factory.mktemp("plans")
    selected = plans("live") + plans("dead")
    pool = ThreadPoolExecutor(AT_ONCE)
    found = {plan: [] for plan in selected}
    end, seed = time.monotonic() + SECONDS, 1
    while seed == 1 or time.monotonic() < end:
        runs = pool.map(lambda plan: run(plan, seed, folder), selected)
        for plan, outcome in zip(selected, runs):
            found[plan].append(outcome)
        seed += 1
    pool.shutdown()
    looks = sum(
        int(re.search(r"long-waits (\d+)", outcome.stdout)[1])
        for each in found.values()
        for outcome in each
        if "long-waits" in outcome.stdout
    )
    hangs = [is_proven(outcome) for plan in plans("dead") for outcome in found[plan]]
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    reporter.write_line(
        f"{len(selected)} plans, {seed - 1} seeds: {looks} looks at waits that ended; "
        f"{sum(hangs)} of {len(hangs)} hangs proven"
    )
    return found


def is_proven(outcome):
    return outcome.status == 70 and any(
        hang["verdict"] == "proven" for hang in outcome.of("hang")
    )


def test_there_are_plans():
    assert len(plans("live")) >= 100 and len(plans("dead")) >= 20


@pytest.mark.parametrize("plan", plans("live"))
def test_live_is_never_proven(plan, outcomes):
    for seed, outcome in enumerate(outcomes[plan], 1):
        proven = [hang for hang in outcome.of("hang") if hang["verdict"] == "proven"]
        assert outcome.status == 0 and not proven, f"seed {seed}: {outcome}"


def test_dead_is_proven(outcomes):
    hangs = {
        f"{plan}, seed {seed}": is_proven(outcome)
        for plan in plans("dead")
        for seed, outcome in enumerate(outcomes[plan], 1)
    }
    unseen = [name for name, proven in hangs.items() if not proven]
    assert len(unseen) <= (1 - PROVEN) * len(hangs), unseen
