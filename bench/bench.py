"""What the shim costs, as ratios of alternating runs.

The machine may be loaded: the runs of one round stand next to each other in time, and the median of
the rounds' ratios is what counts. Beside the shim runs a preload that does nothing, because the
loader and the kernel charge for any library. Usage: bench.py [ROUNDS]
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
PRELOADS = {"bare": None, "empty": BUILD / "bench/empty.so", "shim": BUILD / "libforkpolicy.so"}
STARTS = 20  # a start of Python is too short to be timed alone

# what, the most it may be, command; "start" cases take the time of the command, the others print
# nanoseconds
CASES = [
    (
        "`python3 -c pass` (%s)" % ".".join(map(str, sys.version_info[:3])),
        1.02,
        "start",
        [os.path.realpath(sys.executable), "-c", "pass"],
    ),
    ("`/usr/bin/python3 -c pass`", 1.02, "start", ["/usr/bin/python3", "-c", "pass"]),
    ("pthread_create + pthread_join", 1.03, "prints", [BUILD / "bench/create_join"]),
    (
        "fork + wait of a small C program, no other thread",
        1.05,
        "prints",
        [BUILD / "bench/fork_threads", "0"],
    ),
    ("the same, 10 other threads", 1.05, "prints", [BUILD / "bench/fork_threads", "10"]),
    ("the same, 100 other threads", 1.05, "prints", [BUILD / "bench/fork_threads", "100"]),
    (
        "os.fork + waitpid in Python with numpy, 1 other thread",
        1.05,
        "prints",
        [BUILD / "venv/wheels/bin/python", ROOT / "bench/fork_python.py"],
    ),
    ("mutex lock + unlock, uncontended", 1.00, "prints", [BUILD / "bench/mutex"]),
]


def measure(kind, command, preload):
    environment = {
        key: value
        for key, value in os.environ.items()
        if key != "LD_PRELOAD" and not key.startswith("FORKPOLICY")
    }
    if preload:
        environment["LD_PRELOAD"] = str(preload)
    command = [str(part) for part in command]
    if kind == "prints":
        return float(
            subprocess.run(command, env=environment, check=True, capture_output=True).stdout
        )
    start = time.perf_counter()
    for _ in range(STARTS):
        subprocess.run(command, env=environment, check=True)
    return (time.perf_counter() - start) / STARTS * 1e9


def ratio(rounds, name):
    low, middle, high = statistics.quantiles([one[name] / one["bare"] for one in rounds], n=4)
    return f"{middle:.3f} ({low:.3f}-{high:.3f})"


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    print("| what | bare | empty preload | shim | asked |")
    print("|---|---|---|---|---|")
    for what, most, kind, command in CASES:
        if not os.path.exists(command[0]):
            continue
        names = list(PRELOADS)
        rounds = []
        for index in range(count):
            order = names[index % 3 :] + names[: index % 3]
            rounds.append({name: measure(kind, command, PRELOADS[name]) for name in order})
        bare = statistics.median(one["bare"] for one in rounds) / 1000
        print(
            f"| {what} | {bare:.3f} us | {ratio(rounds, 'empty')} | {ratio(rounds, 'shim')} "
            f"| <= {most:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
