"""What the shim costs. Usage: bench.py [ROUNDS] [PART...]; without a part, all of them.

SPDX-License-Identifier: Apache-2.0
"""

import os
import sys

from rounds import BUILD, Case, Table, print_latencies, print_table

HERE = os.path.dirname(os.path.realpath(__file__))
PROGRAMS = BUILD / "bench"
FOREIGN, POOL = PROGRAMS / "foreign.so", PROGRAMS / "pool.so"
PYTHON = os.path.realpath(sys.executable)
WHEELS = BUILD / "venv/wheels/bin/python"
ONE, TWO = 51, 11  # children with one thread, with two


def script(name, *arguments, python=PYTHON):
    return (python, os.path.join(HERE, name), *arguments)


def waits(where, case, what, *pinned, most=""):
    return Case((PROGRAMS / "waits", FOREIGN, where, case, *pinned), (what,), most)


VERSION = ".".join(map(str, sys.version_info[:3]))
PASSING = Table(
    "What every process pays:",
    ("empty preload", "shim"),
    (
        Case((PYTHON, "-c", "pass"), (f"`python3 -c pass` ({VERSION})",), "<= 1.02", starts=True),
        Case(
            ("/usr/bin/python3", "-c", "pass"),
            ("`/usr/bin/python3 -c pass`",),
            "<= 1.02",
            starts=True,
        ),
        Case((PROGRAMS / "create_join",), ("pthread_create + pthread_join",), "<= 1.03"),
        Case(
            (PROGRAMS / "fork_threads", 0),
            ("fork + wait of a small C program, no other thread",),
            "<= 1.05",
        ),
        Case((PROGRAMS / "fork_threads", 10), ("the same, 10 other threads",), "<= 1.05"),
        Case((PROGRAMS / "fork_threads", 100), ("the same, 100 other threads",), "<= 1.05"),
        Case(
            script("fork_python.py", python=WHEELS),
            ("os.fork + waitpid in Python with numpy, 1 other thread",),
            "<= 1.05",
        ),
        Case((PROGRAMS / "mutex",), ("mutex lock + unlock, uncontended",), "<= 1.00"),
    ),
)

PARENT = Table(
    "The parent's own calls, beside a library's thread and behind a fork:",
    ("empty preload", "warn", "fail"),
    (
        waits("parent", "mutex", "mutex lock + unlock", most="1.00"),
        waits("parent", "sem", "sem_post + sem_wait", most="1.00"),
        waits("parent", "cond", "pthread_cond_signal, nobody waits", most="1.00"),
        waits("parent", "futex", "syscall(futex wake), nobody waits", most="1.00"),
    ),
)

FORKS = Table(
    "The parent's forks, beside a library's thread:",
    ("empty preload", "warn", "fail"),
    (Case((PROGRAMS / "fork_threads", 0, FOREIGN), ("fork + wait of a small C program",)),),
    adds=("warn", "fail"),
)

TORCH_FORKS = Table(
    "The parent's forks, in a torch process whose two threads have worked:",
    ("off", "warn", "fail", "reset"),
    (
        Case(
            script("fork_torch.py", PROGRAMS / "empty.so", python=WHEELS),
            (
                "the first os.fork",
                "the same + waitpid",
                "the next ones",
                "the same + waitpid",
                "those behind the loading of a library",
                "the same + waitpid",
                "the first, over the next ones",
                "behind a loading, over the next ones",
            ),
            differences=2,
        ),
    ),
    adds=("off", "warn", "fail", "reset"),
)

CHILD = Table(
    "In a child that lost a library's thread:",
    ("empty preload", "warn", "fail"),
    (
        waits("child", "mutex", "mutex lock + unlock"),
        waits("child", "sem", "sem_post + sem_wait"),
        waits("child", "rwlock", "rwlock rdlock + unlock"),
        waits("child", "cond", "pthread_cond_signal, nobody waits"),
        waits("child", "cond_ping_pong", "there and back by mutex + cond, one processor", "one"),
        waits("child", "cond_ping_pong", "the same, two processors", "two"),
        waits("child", "futex_ping_pong", "there and back by syscall(futex), one processor", "one"),
        waits("child", "futex_ping_pong", "the same, two processors", "two"),
        Case(script("child_python.py", FOREIGN, "lock"), ("Python: lock.acquire + lock.release",)),
        Case(
            script("child_python.py", FOREIGN, "queue"), ("Python: there and back by queue.Queue",)
        ),
        Case(
            script("child_torch.py", FOREIGN, python=WHEELS),
            ("torch: 70,000 + 70,000, two threads", "the same, 4,000,000"),
        ),
    ),
    adds=("fail",),
)

USED = Table(
    "To see that a child uses what it lost: syscall(futex wake), nobody waits:",
    ("empty preload", "warn", "fail"),
    (
        Case(
            (PROGRAMS / "uses", FOREIGN),
            (
                "by the program",
                "by the lost library, the first time",
                "by the lost library, later",
                "by the program, behind it",
            ),
        ),
    ),
    adds=("warn", "fail"),
)

CARRY = Table(
    "The parent's processor time for a fork beside a library's pool:",
    ("reset", "carry"),
    tuple(
        Case(
            (PROGRAMS / "carry", POOL, threads),
            (f"{threads} threads, idle since the last fork", f"{threads} threads that have worked"),
            most,
        )
        for threads, most in ((2, ""), (8, "<= 2"), (64, ""))
    ),
    adds=("carry",),
)

VERDICTS = (
    Case((PROGRAMS / "verdicts", FOREIGN, "one", ONE), ("sem_wait, to the end with 70",)),
    Case(script("verdict_python.py", FOREIGN, "one", ONE), ("Python lock, to the exception",)),
    Case((PROGRAMS / "verdicts", FOREIGN, "two", TWO), ("two threads in sem_wait",)),
    Case(script("verdict_python.py", FOREIGN, "two", TWO), ("two threads at Python locks",)),
)


def tables(*tables):
    def part(count):
        for table in tables:
            print_table(table, count)

    return part


def verdicts(count):
    print_latencies("From a wait without end to what `fail` does:", "fail", VERDICTS)


PARTS = {
    "passing": tables(PASSING),
    "parent": tables(PARENT, FORKS, TORCH_FORKS),
    "child": tables(CHILD),
    "used": tables(USED),
    "carry": tables(CARRY),
    "verdicts": verdicts,
}


def main():
    names = sys.argv[1:]
    count = int(names.pop(0)) if names and names[0].isdigit() else 21
    unknown = set(names) - set(PARTS)
    if unknown or count < 1:
        sys.exit(f"usage: bench.py [ROUNDS] [PART...], of {', '.join(PARTS)}")
    for name in names or PARTS:
        PARTS[name](count)


if __name__ == "__main__":
    main()
