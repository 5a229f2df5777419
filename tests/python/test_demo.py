"""`make demo` shows what the README says. SPDX-License-Identifier: Apache-2.0"""

import os
import re
import subprocess
import sys

from support import ROOT


def test_demo_ends_with_its_table():
    demo = subprocess.run(
        [sys.executable, ROOT / "examples/demo/demo.py"],
        env={**os.environ, "DEMO_SECONDS": "8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=600,
        cwd=ROOT,
    )
    assert demo.returncode == 0, demo.stderr
    rows = [
        re.split(r"  +", line)
        for line in demo.stdout.splitlines()
        if re.search(r"  \d+\.\d$", line)
    ]
    told = [(policy, re.sub(r" at .*", " at LINE", outcome)) for _, policy, outcome, _ in rows]
    ends = [outcome for policy, outcome in told if policy == "fail"]
    assert ends == ["raised at LINE", "exited at LINE"]
    told = [(policy, outcome) for policy, outcome in told if policy != "fail"]
    assert told == 2 * [
        ("bare", "hangs"),
        ("off", "hangs"),
        ("warn", "told beforehand, then hangs, and told why"),
        ("refuse", "refused at LINE"),
    ]
    assert demo.stderr.count("forkpolicy: fork() allowed") == 2
    assert demo.stderr.count("forkpolicy.ForkPolicyError: fork refused") == 2
