"""LanceDB's tables in forked children, which read through a process of their own.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess

import pytest
from loaders import ROOT, environment

pytestmark = pytest.mark.timeout(180)

JOB = """
import gc, os, signal, sys, tempfile, threading, time, warnings

from pathlib import Path

warnings.simplefilter("error", ResourceWarning)
import lancedb, numpy, pyarrow
from forkpolicy.loader import Permutation, Table

def made(rows=20_000):
    folder = tempfile.mkdtemp()
    data = pyarrow.table({"id": range(rows), "x": [row / 2 for row in range(rows)]})
    lancedb.connect(folder).create_table("t", data)
    return folder + "/t.lance"

def forked(function, *arguments):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            function(*arguments)
            sys.stdout.flush()
            status = 0
        finally:
            if status:
                sys.excepthook(*sys.exc_info())
            os._exit(status)
    return pid

def in_child(function, *arguments):
    assert os.waitpid(forked(function, *arguments), 0)[1] == 0

def children(pid="self"):
    names = os.listdir(f"/proc/{pid}/task")
    return [int(child) for name in names
            for child in Path(f"/proc/{pid}/task/{name}/children").read_text().split()]

def is_gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True

def wait_until(condition):
    while not condition():
        time.sleep(0.01)

def ids(batch):
    return batch.column("id").to_pylist()

table = Table(made())
source = table._source
assert ids(source.take([3, 1, 3], ["id"])) == [3, 1, 3]
"""


# LanceDB 0.30's threads may call Python while it ends, which aborts it.
END = """
sys.stdout.flush()
os._exit(0)
"""


@pytest.fixture(params=["wheels", "lancedb"])  # of LanceDB 0.30.2, of 0.40
def job(request, tmp_path):
    python = ROOT / "build" / "venv" / request.param / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{python} is missing: make environments")

    def run(body):
        command = [str(python), "-W", "ignore::UserWarning", "-W", "ignore::RuntimeWarning", "-c"]
        env = environment(OMP_NUM_THREADS="1", TMPDIR=str(tmp_path))
        ended = subprocess.run(
            [*command, JOB + body + END], env=env, capture_output=True, text=True, timeout=120
        )
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
        return ended.stdout

    return run


def test_all_calls(job):
    job("""
def read():
    assert ids(source.take([19_999, 0, 5, 5], ["id"])) == [19_999, 0, 5, 5]
    assert source.take([], ["x"]).num_rows == 0
    assert source.has_nulls("x") is False
    assert sum(batch.num_rows for _, batch in source.batches(["id"])) == 20_000
    assert table.filter("id % 5000 = 3").tolist() == [3, 5003, 10003, 15003]
    assert len(children()) == 1
    made_here = Table(source._uri)  # LanceDB's threads are in no other table of this process, too
    assert ids(made_here._source.take([7], ["id"])) == [7]
in_child(read)
assert ids(source.take([7], ["id"])) == [7] and not children()
""")


def test_takes_while_a_scan_goes_on_and_by_threads(job):
    job("""
def read():
    seen = []
    for first, batch in source.batches(["id"]):
        assert ids(source.take([first], ["id"])) == [first] == ids(batch)[:1]
        seen += ids(batch)
    assert seen == list(range(20_000))
    next(source.batches(["id"]))  # given up
    wrong = []
    def take(number):
        for row in range(number, number + 50):
            if ids(source.take([row, 0], ["id"])) != [row, 0]:
                wrong.append(row)
    threads = [threading.Thread(target=take, args=(number * 100,)) for number in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert not wrong and len(children()) == 1
in_child(read)
""")


def test_errors_pass(job):
    job("""
import shutil
def read():
    for call in (lambda: source.take([5, 20_000], ["id"]), lambda: source.take([5], ["nothing"])):
        texts = []
        for _ in range(2):
            try:
                texts.append(str(call()))
            except Exception as error:
                texts.append(f"{type(error).__name__}: {error}")
        assert texts[0] == texts[1] and "process" not in texts[0], texts
    assert "nothing" in texts[0]
    assert ids(source.take([4], ["id"])) == [4] and len(children()) == 1

def open_what_is_gone():
    shutil.rmtree(source._uri)
    try:
        source.take([4], ["id"])
    except Exception as error:
        assert "t" in str(error) and "process" not in str(error), error
    else:
        raise AssertionError
    wait_until(lambda: not children())
in_child(read)
in_child(open_what_is_gone)
""")


def test_a_reader_that_is_killed(job):
    job("""
def read():
    source.take([1], ["id"])
    (reader,) = children()
    os.kill(reader, signal.SIGKILL)
    try:
        source.take([2], ["id"])
    except RuntimeError as error:
        assert source._uri in str(error) and "ended by SIGKILL" in str(error), error
    else:
        raise AssertionError
    assert ids(source.take([2], ["id"])) == [2] and children() != [reader]
in_child(read)
""")


def test_a_reader_ends_with_its_worker(job):
    job("""
ours, its = os.pipe()
def read():
    source.take([1], ["id"])
    os.write(its, b"%d" % children()[0])
    signal.pause()
pid = forked(read)
reader = int(os.read(ours, 20))
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
wait_until(lambda: is_gone(reader))
""")


def test_a_grandchild_has_its_own(job):
    job("""
def grandchild(reader, ours):
    assert not os.path.exists(f"/proc/self/fd/{ours}")
    assert ids(source.take([9], ["id"])) == [9]
    assert children() not in ([], [reader])

def child():
    source.take([1], ["id"])
    (reader,) = children()
    ours = source._opened._connection.fileno()
    in_child(grandchild, reader, ours)
    assert ids(source.take([2], ["id"])) == [2] and children() == [reader]

in_child(child)
""")


def test_nothing_is_left_of_many(job):
    job("""
def read():
    os.listdir("/proc/self/fd")
    before = sorted(os.listdir("/proc/self/fd"))
    for _ in range(3):
        other = Table(source._uri)
        assert ids(other._source.take([8], ["id"])) == [8] and len(children()) == 1
        del other
        gc.collect()
        assert not children()
    assert sorted(os.listdir("/proc/self/fd")) == before
in_child(read)
""")


def test_ctrl_c_is_the_workers_alone(job):
    """It ends the worker's question; the next one is answered by a new process."""
    job("""
def read():
    os.setpgid(0, 0)
    source.take([1], ["id"])
    (reader,) = children()
    os.kill(reader, signal.SIGSTOP)  # so that the question is open
    def interrupt():
        wait_until(lambda: source._opened._lock.locked())
        os.killpg(0, signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        source.take([1], ["id"])
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError
    thread.join()
    assert is_gone(reader)
    assert ids(source.take([6], ["id"])) == [6]
in_child(read)
""")


def test_passwords_are_not_arguments(job):
    job("""
from forkpolicy.loader.sources.lance import LanceSource
with_options = LanceSource(source._uri, None, {"secret_access_key": "hush"})
def read():
    assert ids(with_options.take([1], ["id"])) == [1]
    (reader,) = children()
    for name in "cmdline", "environ":
        assert b"hush" not in Path(f"/proc/{reader}/{name}").read_bytes()
in_child(read)
""")
