"""tests/prog/loader_forks.c, and what it must say. SPDX-License-Identifier: Apache-2.0"""

from support import BUILD, host, run

# None: the policy is not set.
SHIMS = [("bare", None), ("preloaded", None)]
SHIMS += [("preloaded", policy) for policy in ("fail", "reset", "refuse")]
MODES = [(), ("by_thread",), ("threads=1",), ("threads=0", "by_thread")]
TRIES = 4


def fork(shim, *arguments):
    """What a run has said, when nothing was wrong with it."""
    way, policy = shim
    ended = run(
        [host("loader_forks"), BUILD / "libforkloader.so", *arguments],
        policy=policy,
        preload=way == "preloaded",
        isolated=True,
        timeout=120,
    )
    assert ended.status == 0, ended
    assert ended.stderr == "", ended
    return ended.stdout


def check(shim, mode, forks, least):
    """`least`: rows a second afterwards by those before. Others use the machine, too: it is the
    best of some tries."""
    rates = []
    while not rates or (max(rates) < least and len(rates) < TRIES):
        lines = fork(shim, f"forks={forks}", *mode).splitlines()
        assert lines[:2] == [f"forks {forks}", "wrong 0"]
        rates.append(float(lines[2].removeprefix("rate ")))
    assert max(rates) >= least, rates
