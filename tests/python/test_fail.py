# SPDX-License-Identifier: Apache-2.0
"""fail: a child that can never go on ends with an error, one that only seems so is told of.

`-k bare` shows that each case hangs without the shim.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from python_jobs import JOBS, normal, run_job, source_line, versions

JOB = JOBS / "hanging.py"
FORK = "child = os.fork()"
LOADER_FORK = "for _ in loader:"
LIMIT = 60  # seconds, for what is to end or to be told
TOLD = '"event":"hang"'


@dataclass(frozen=True)
class Case:
    name: str
    environment: str
    grade: str
    outcome: str  # under fail
    owner: str  # the name or package of the runtime that is blamed, or the job's name of a thread
    line: str  # the text of the line that waits; "": a thread waits that runs no line of the job
    fork: str = FORK

    def __str__(self):
        return self.name


CASES = [
    Case("executor", "wheels", "proven", "raised", "ThreadPoolExecutor", "pool.submit(str, 42)"),
    # A thread that the program itself started: a worker at rest may wait so, too.
    Case("asyncio_thread", "wheels", "strong", "waits", "the-loop", "run_coroutine_threadsafe("),
    Case("lock_held", "wheels", "proven", "raised", "holder", "with lock:"),
    Case("rlock_held", "wheels", "proven", "raised", "holder", "with lock:"),
    Case("queue_lost_producer", "wheels", "strong", "waits", "producer", "return answers.get()"),
    # Its loop in Python is waited for; the runtime behind it is lost as well.
    Case("lancedb", "wheels", "proven", "raised", "lancedb", "table.count_rows()"),
    Case(
        "lancedb_loader",
        "wheels",
        "proven",
        "raised",
        "lancedb",
        "return self.rows.__getitems__(numbers)",
        LOADER_FORK,
    ),
    Case("deltalake_open", "deltalake", "proven", "exited", "deltalake", "DeltaTable(where)"),
    # Its main thread waits for one of Arrow's that was started in the child, and that one for Rust.
    Case("deltalake_read", "deltalake", "proven", "exited", "deltalake", ""),
    Case("deltalake_write", "deltalake", "proven", "exited", "deltalake", 'mode="append")'),
    Case("polars_group_by", "wheels", "proven", "exited", "polars", 'frame.group_by("key")'),
    Case("polars_lazy", "wheels", "proven", "exited", "polars", ".collect()"),
    Case("polars_parquet", "wheels", "proven", "exited", "polars", "scan_parquet(file).collect()"),
    Case("tokenizers", "wheels", "proven", "exited", "tokenizers", "tokenizer.encode_batch("),
    Case("torch_cpu", "wheels", "proven", "exited", "libgomp", "tensor * 2"),
    # Beside two idle threads of OpenBLAS, which came back in the child
    Case("sklearn", "hangs", "proven", "exited", "libgomp", "KMeans(4, n_init=1).fit(points)"),
    Case("obstore", "hangs", "proven", "exited", "obstore", 'store.get("file")'),
    Case("opendal", "hangs", "proven", "exited", "opendal", 'files.read("file")'),
    Case("jax_same", "hangs", "proven", "exited", "jax", "float(total(matrix))"),
    # Compiling looks up every 0.2 seconds.
    Case("jax_new", "hangs", "suspected", "waits", "jax", "float(jax.jit("),
    # So does fsspec, every second.
    Case("fsspec_file", "wheels", "suspected", "waits", "fsspec", "file.read(1000)"),
    # An event loop listens: whether somebody outside will speak cannot be known.
    Case("lancedb_async", "wheels", "suspected", "waits", "lancedb", "asyncio.run(count())"),
    Case("opendal_async", "hangs", "suspected", "waits", "opendal", "asyncio.run(use())"),
    # Beside zarr's loop, which came back in the child and listens too
    Case("zarrs", "hangs", "suspected", "waits", "zarrs", "array[:]"),
]


@pytest.fixture
def note(tell):
    """Notes what was seen of a case."""
    head = ("case", "bare", "under fail", "seconds", "owner")
    return lambda case, row: tell("hanging children", head, str(case), {"case": str(case), **row})


def hanging(case, tmp_path, limit=LIMIT, until="", env=None, **settings):
    """The job's outcome, and what it said: {word: the rest of the first line that begins so}.

    The child has until LIMIT, or until the log holds the pattern UNTIL.
    """
    outcome = run_job(
        JOB.name,
        case.name,
        environment=case.environment,
        tmp=tmp_path,
        env={"HANGING_LIMIT": str(limit), "HANGING_UNTIL": until, **(env or {})},
        timeout=3 * LIMIT,
        **settings,
    )
    said = {}
    for line in outcome.stdout.splitlines():
        word, _, rest = line.partition(" ")
        said.setdefault(word, rest)
    assert outcome.status == 0 and "done" in said, outcome
    assert float(said["answered"]) < limit, outcome  # where it works, it takes no time
    assert "waiting" in said, outcome
    return outcome, said


def check_hung(outcome, said):
    assert "hung" in said, outcome
    assert not said.keys() & {"raised", "returned", "ended", "status"}, outcome
    assert said.get("signal", "9") == "9"  # by the parent's own hand


@pytest.mark.parametrize("case", CASES, ids=str)
def test_bare(case, tmp_path, note):
    outcome, said = hanging(case, tmp_path, limit=5, preload=False)
    check_hung(outcome, said)
    note(case, {"bare": "hangs"})


def lines_of(text):
    """The numbers of the job's lines that hold TEXT."""
    return [i for i, line in enumerate(JOB.read_text().splitlines(), 1) if text in line]


def is_own(runtime):
    """Whether the job itself started these threads."""
    return not runtime["name"] and not runtime["package"]


def check_owner(lost, case):
    assert lost
    if is_own(lost):
        assert f'name="{case.owner}"' in source_line(lost["started"])
        return
    assert case.owner in (lost["name"], lost["package"])
    installed = versions(case.environment).get(normal(lost["package"]))
    if installed:
        assert lost["version"] == installed


def owner_of(lost):
    return Path(lost["started"]).name if is_own(lost) else f"{lost['package']} {lost['version']}"


def check_record(record, case):
    assert (record["verdict"], record["outcome"]) == (case.grade, case.outcome), record
    check_owner(record["lost"], case)
    (number,) = lines_of(case.fork)
    assert record["fork"]["site"]["user"] == {"file": str(JOB), "line": number}


def check_line(record, case):
    """The line that waits is on the Python stack; its number."""
    stack = record["python_stack"]
    own = {frame["line"] for frame in stack if Path(frame["file"]).name == JOB.name}
    (number,) = own.intersection(lines_of(case.line))
    return number


def check_report(outcome, records, case):
    """What is told on stderr, once for all workers, names a process and the owner."""
    record = records[0]
    pids = {each["pid"] for each in records}
    told = [line for line in outcome.said if any(f"pid {pid} (" in line for pid in pids)]
    assert len([line for line in told if " never go on: " in line]) == 1, outcome
    lost = record["lost"]
    words = f"started at {lost['started']}" if is_own(lost) else case.owner
    blamed = [line for line in outcome.said if line.startswith("forkpolicy:   for ")]
    assert blamed and all(words in line for line in blamed), outcome


def check_raised(outcome, said, record, case):
    """At the line that waits; the time at which that was."""
    time, kind, message = said["raised"].split(" ", 2)
    assert f'File "{JOB}", line {check_line(record, case)}, in ' in outcome.stderr
    assert "Error: this child process can never go on: " in outcome.stderr
    if case.fork == FORK:
        assert kind == "ForkPolicyError" and said["status"] == "3"
    else:  # out of a worker, which does without the class where the package is not installed
        assert kind == "RuntimeError" and message.startswith("Caught ")
    return float(time)


def check_exited(outcome, said, record, case):
    assert said["status"] == "70", outcome
    if case.line:
        check_line(record, case)
    return float(said["ended"])


@pytest.mark.parametrize("case", [case for case in CASES if case.grade == "proven"], ids=str)
def test_fail_ends_what_can_never_go_on(case, tmp_path, note):
    outcome, said = hanging(case, tmp_path, policy="fail", log=tmp_path / "log")
    assert "hung" not in said and "returned" not in said, outcome
    # A worker that its parent does not end in time waits once more.
    records = [each for each in outcome.of("hang") if each["outcome"] != "again"]
    assert records and (len(records) == 1 or case.fork == LOADER_FORK)  # of both workers
    for record in records:
        check_record(record, case)
    check_report(outcome, records, case)
    check = {"raised": check_raised, "exited": check_exited}[case.outcome]
    seconds = check(outcome, said, records[0], case) - float(said["waiting"])
    assert seconds >= 0
    owner = owner_of(records[0]["lost"])
    note(case, {"under fail": case.outcome, "seconds": f"{seconds:.2f}", "owner": owner})


@pytest.mark.parametrize("case", [case for case in CASES if case.grade != "proven"], ids=str)
def test_fail_tells_of_what_may_never_go_on(case, tmp_path, note):
    outcome, said = hanging(
        case,
        tmp_path,
        until=TOLD,
        policy="fail",
        log=tmp_path / "log",
        env={"FORKPOLICY_OPTIONS": "hang_seconds=1"},
    )
    check_hung(outcome, said)
    record = outcome.of("hang")[0]
    check_record(record, case)
    check_report(outcome, [record], case)
    seconds = record["waiting"]["seconds"]
    assert seconds >= 1
    owner = owner_of(record["lost"])
    note(case, {"under fail": "told, waits", "seconds": f"{seconds:.2f}", "owner": owner})
