"""What the shim costs, as ratios of alternating runs: with it / without it.

The machine may be loaded: a pair of runs stands next to each other in time, and the median of the
pairs' ratios is what counts. Usage: bench.py [PAIRS]
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"

# (what, the most it may be, command); a command that prints a number is measured by it, the others
# by the seconds they take
CASES = [
    ("`python3 -c pass`, pyenv or Debian", 1.02, [os.path.realpath(sys.executable), "-S", "-c", "pass"]),
    ("`/usr/bin/python3 -c pass`", 1.02, ["/usr/bin/python3", "-S", "-c", "pass"]),
    ("pthread_create + pthread_join", 1.03, [BUILD / "bench/create_join"]),
    ("fork + wait, no other thread", 1.05, [BUILD / "bench/fork_threads", "0"]),
    ("fork + wait, 10 other threads", 1.05, [BUILD / "bench/fork_threads", "10"]),
    ("fork + wait, 100 other threads", 1.05, [BUILD / "bench/fork_threads", "100"]),
    ("mutex lock + unlock, uncontended", 1.00, [BUILD / "bench/mutex"]),
]
STARTS = 20  # a start of Python is too short to be timed alone


def measure(command, preload):
    environment = {key: value for key, value in os.environ.items()
                   if key != "LD_PRELOAD" and not key.startswith("FORKPOLICY")}
    if preload:
        environment["LD_PRELOAD"] = str(BUILD / "libforkpolicy.so")
    command = [str(part) for part in command]
    if "python" in command[0]:
        start = time.perf_counter()
        for _ in range(STARTS):
            subprocess.run(command, env=environment, check=True)
        return (time.perf_counter() - start) / STARTS * 1e9
    return float(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)


def main():
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    print("| what | without | with | ratio: median (quartiles) | asked |")
    print("|---|---|---|---|---|")
    for what, most, command in CASES:
        if not os.path.exists(command[0]):
            continue
        runs = []
        for pair in range(pairs):
            order = (False, True) if pair % 2 else (True, False)
            values = {preload: measure(command, preload) for preload in order}
            runs.append((values[False], values[True]))
        ratios = [with_shim / without for without, with_shim in runs]
        low, middle, high = statistics.quantiles(ratios, n=4)
        without, with_shim = (statistics.median(column) / 1000 for column in zip(*runs))
        print(f"| {what} | {without:.3f} us | {with_shim:.3f} us | {middle:.3f} ({low:.3f}-{high:.3f}) "
              f"| <= {most:.2f} |", flush=True)


if __name__ == "__main__":
    main()
