# SPDX-License-Identifier: Apache-2.0
"""`forkpolicy loader-stats`: the counters of any process, whatever lies in their memory."""

import json
import os
import re
import struct
import subprocess
import time

import pytest

import support

LIMIT = 120  # seconds
NAME = "forkloader-stats"
LOADERS = """
import sys, numpy, pyarrow
from forkpolicy.loader import Loader
table = pyarrow.table({"id": numpy.arange(1000)})
first, second = Loader(table, 100, workers=1), Loader(table, 50)
batches = iter(first)
next(batches), next(batches), next(iter(second))
print("ready", flush=True)
sys.stdin.read()
"""


def stats(*arguments):
    done = subprocess.run(
        [support.PROGRAM, "loader-stats", *map(str, arguments)],
        env=support.environment(preload=False),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=LIMIT,
    )
    return done.returncode, done.stdout, done.stderr


def records(**numbers):
    return b"".join(struct.pack("<24sQ", name.encode(), n) for name, n in numbers.items())


class Memory:
    """A memfd of this process, as a Loader has it."""

    def __init__(self, content, name=NAME, size=4096):
        self.file = os.memfd_create(name)
        os.ftruncate(self.file, size)
        os.pwrite(self.file, content[:size], 0)

    def __enter__(self):
        return self.file

    def __exit__(self, *_):
        os.close(self.file)


def read_json():
    """What is said of this process."""
    status, said, wrong = stats("--json", os.getpid())
    assert (status, wrong) == (0, "")
    return [json.loads(line) for line in said.splitlines()]


@pytest.fixture(scope="module")
def process():
    """One with two Loaders."""
    child = subprocess.Popen(
        [support.environment_python("wheels"), "-c", LOADERS],
        env=support.environment(preload=False, extra={"PYTHONPATH": str(support.ROOT / "python")}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout.readline() == b"ready\n"
    yield child.pid
    child.communicate(timeout=LIMIT)


def test_of_real_loaders(process):
    status, said, wrong = stats("--json", process)
    assert (status, wrong) == (0, "")
    first, second = sorted(map(json.loads, said.splitlines()), key=lambda found: found["fd"])
    assert first["pid"] == second["pid"] == process and first["fd"] != second["fd"]
    told = [(found["batches"], found["rows"], found["consumed"]) for found in (first, second)]
    assert told == [(2, 200, 200), (1, 50, 50)]
    assert (first["units"], first["workers"], second["workers"]) == (1000, 1, 0)
    assert first["wait_ns"] > 0 and first["left_out"] == 0


def test_for_people(process):
    status, said, _ = stats(process)
    first, second = said.split("\n\n")
    assert status == 0 and re.match(rf"Loader of pid {process}, fd \d+\n", first)
    assert {len(line) for line in first.splitlines()[1:] if line[-1].isdigit()} == {43}
    assert re.search(r"^  rows +200$", first, re.M) and re.search(r"^  rows +50$", second, re.M)


def test_units():
    numbers = {"batches": 3, "wait_ns": 1_234_567_890, "bytes": 3 << 19, "bytes_ahead": 1 << 40}
    with Memory(records(**numbers)):
        _, said, _ = stats(os.getpid())
    assert [line.split() for line in said.splitlines()[1:]] == [
        ["batches", "3"],
        ["wait", "1.235", "s"],
        ["bytes", "1.5", "MiB"],
        ["bytes_ahead", "1048576.0", "MiB"],
    ]


def test_of_a_process_that_ended():
    child = subprocess.Popen(["true"])
    child.wait()
    line = f"forkpolicy: loader-stats: there is no process {child.pid}\n"
    assert stats(child.pid) == (1, "", line)
    assert stats("--json", child.pid) == stats("--watch", 1, child.pid) == (1, "", line)


def test_of_a_process_without():
    with Memory(b"", name="something-else"), Memory(b"", name=NAME + "-not"):
        line = f"forkpolicy: loader-stats: process {os.getpid()} has no Loader\n"
        assert stats(os.getpid()) == (1, "", line)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_of_another_users_process(process):
    done = subprocess.run(
        [support.PROGRAM, "loader-stats", str(process)],
        user=65534,
        group=65534,
        extra_groups=[],
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=LIMIT,
    )
    line = f"forkpolicy: loader-stats: process {process} cannot be read: Permission denied\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", line)


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "which process?"),
        (["--json"], "which process?"),
        (["1", "2"], "which process?"),
        (["1", "--json"], "which process?"),
        (["x"], "x is not a process ID"),
        ([""], " is not a process ID"),
        (["0"], "0 is not a process ID"),
        (["-1"], "unknown option"),
        (["12x"], "12x is not a process ID"),
        (["4294967297"], "4294967297 is not a process ID"),
        (["--jsonx", "1"], "unknown option"),
        (["--watch"], "unknown option, or one without its argument: --watch"),
        (["--watch", "1"], "which process?"),
        *[
            (["--watch=" + text, "1"], f"--watch takes seconds, 0.1 to 86400, not {text}")
            for text in ("", "0", "-1", "nan", "inf", "1s", "86401")
        ],
    ],
)
def test_usage(arguments, said):
    status, printed, wrong = stats(*arguments)
    assert (status, printed, wrong.count("\n")) == (2, "", 1)
    assert wrong.startswith("forkpolicy: loader-stats: ") and said in wrong


def test_watch():
    """Until there is no Loader any more."""
    memory = Memory(records(batches=1))
    watched = subprocess.Popen(
        [support.PROGRAM, "loader-stats", "--json", "--watch", "0.1", str(os.getpid())],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    first = watched.stdout.readline()
    os.pwrite(memory.file, records(batches=2), 0)
    lines = [first]
    while '"batches":2' not in lines[-1]:
        lines.append(watched.stdout.readline())
        assert len(lines) < 1000
    os.close(memory.file)
    rest, wrong = watched.communicate(timeout=LIMIT)
    assert (watched.returncode, wrong) == (0, "")
    assert {json.loads(line)["batches"] for line in lines} == {1, 2}


def test_one_loader_with_several_descriptors():
    with Memory(records(rows=7)) as file:
        other = os.dup(file)
        (found,) = read_json()
        os.close(other)
    assert found["rows"] == 7 and found["fd"] in (file, other)


FULL = b"".join(struct.pack("<24sQ", b"%024d" % number, 2**64 - 1) for number in range(128))


@pytest.mark.parametrize(
    "content, size, numbers",
    [
        (b"", 4096, {}),
        (b"", 0, {}),
        (records(rows=1), 31, {}),  # not a whole one
        (records(rows=1, epoch=2), 63, {"rows": 1}),
        (FULL, 4096, {f"{number:024}": 2**64 - 1 for number in range(128)}),  # and no zero at all
        (FULL * 4, 16384, {f"{number:024}": 2**64 - 1 for number in range(128)}),
        (b"a\0b".ljust(24, b"\0") + bytes(8), 4096, {"a": 0}),
        (bytes(32) + records(rows=1), 4096, {}),  # behind the end
        (b'"\\\n\x1b\xff{},;%s'.ljust(24, b"!") + bytes(8), 4096, {"?" * 10 + "s" + "?" * 13: 0}),
    ],
)
def test_malformed_memory(content, size, numbers):
    with Memory(content, size=size) as file:
        (found,) = read_json()
        status, said, wrong = stats(os.getpid())
    assert found == {"pid": os.getpid(), "fd": file, **numbers}
    assert (status, wrong, len(said.splitlines())) == (0, "", 1 + len(numbers))
    assert said.isascii() and said.replace("\n", "").isprintable()


def test_memory_that_is_cut_off_meanwhile():
    memory = Memory(FULL)
    process = subprocess.Popen(
        [support.PROGRAM, "loader-stats", "--json", "--watch", "0.1", str(os.getpid())],
        stdout=subprocess.DEVNULL,
    )
    end = time.monotonic() + 1
    while time.monotonic() < end:
        os.ftruncate(memory.file, 0)
        os.ftruncate(memory.file, 4096)
    os.close(memory.file)
    assert process.wait(timeout=LIMIT) == 0


def test_the_writer_keeps_the_contract():
    """Its names fit, and are words."""
    code = "from forkpolicy.loader.counters import FIELDS; print(*FIELDS)"
    env = support.environment(preload=False, extra={"PYTHONPATH": str(support.ROOT / "python")})
    python = support.environment_python("wheels")
    names = subprocess.check_output([python, "-c", code], env=env, text=True).split()
    assert names and all(re.fullmatch(r"\w{1,23}", name) for name in names)
    assert len(names) < 4096 // 32 and not {"pid", "fd"} & set(names)
