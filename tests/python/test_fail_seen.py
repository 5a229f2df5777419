# SPDX-License-Identifier: Apache-2.0
"""fail, as a user of DataLoader, multiprocessing or pytest sees it: the parent ends, and says why.

`-k bare` shows that the programs hang without the shim.
"""

import os
import re
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

import support
from python_jobs import JOBS, PACKAGE, POOLS, run_job

GOLDEN = Path(__file__).parent / "golden"
JOB = JOBS / "seen.py"
LIMIT = 60  # seconds, for what is to end
HANGS = 4  # seconds, after which what has not ended bare never will


@dataclass(frozen=True)
class Library:
    name: str  # as the reports call it
    line: str  # the text of the line that waits
    advice: str
    raises: bool  # where it waits, or the process ends


LIBRARIES = {
    "executor": Library(
        "ThreadPoolExecutor",
        "return lambda: threads.submit(",
        "create the executor in the child",
        True,
    ),
    "polars": Library("polars", "return lambda: frame.group_by(", 'get_context("spawn")', False),
    "tokenizers": Library(
        "tokenizers", "return lambda: tokenizer.", "unset TOKENIZERS_PARALLELISM", False
    ),
}

POOL_LINE = "with limited(), FORK.Pool(WORKERS) as workers:"
SPAWN = 'multiprocessing.set_start_method("forkserver")'


@dataclass(frozen=True)
class Case:
    runner: str  # "python", "pytest" or "xdist"
    program: str
    library: str
    fork: str  # the text of the line that asks for the fork
    advice: str

    def __str__(self):
        runner = f"{self.runner}_" if self.runner != "python" else ""
        return f"{runner}{self.program}_{self.library}"

    @property
    def lost(self):
        return LIBRARIES[self.library]


def cases(program, fork, advice, libraries=("executor", "polars"), runners=("python",)):
    return [
        Case(runner, program, library, fork, advice) for runner in runners for library in libraries
    ]


CASES = [
    *cases(
        "loader",
        "for _ in DataLoader(",
        'DataLoader(..., multiprocessing_context="forkserver")',
        libraries=LIBRARIES,
    ),
    *cases("pool", POOL_LINE, SPAWN, libraries=LIBRARIES),
    *cases("process_pool", "print(list(workers.map(", "ProcessPoolExecutor(mp_context="),
    *cases("process", "worker.start()", SPAWN),
    *cases(
        "test_fork",
        "child = os.fork()",
        "fork before the library is first used",
        runners=("pytest", "xdist"),
    ),
    *cases("test_pool", POOL_LINE, SPAWN, runners=("pytest", "xdist")),
]


@pytest.fixture
def note(tell):
    """Notes what was seen of a case."""
    head = ("case", "bare", "outcome", "told after", "status")
    return lambda case, row: tell(
        "what parents see of hanging children", head, str(case), {"case": str(case), **row}
    )


def run_pytest(test, flags, folder, env, **settings):
    """In a folder of its own, where no other configuration counts."""
    shutil.copy(JOB, folder / "test_seen.py")
    shutil.copy(JOBS / "libraries.py", folder)
    command = [support.environment_python("wheels"), "-m", "pytest", "-p", "no:cacheprovider"]
    return support.run(
        [*command, "--tb=short", *flags, f"test_seen.py::{test}"],
        env={**POOLS, "PYTEST_ADDOPTS": "", **env},
        cwd=folder,
        **settings,
    )


def seen(runner, program, library, folder, env=None, policy="fail", limit=LIMIT):
    """The outcome, and the times noted: {word: those of the lines that begin so}."""
    times = folder / "times"
    env = {
        "SEEN_TIMES": str(times),
        "SEEN_LIBRARY": library,
        "SEEN_LIMIT": str(limit),
        "FORKPOLICY_LOG": str(folder / "log"),
        **(env or {}),
    }
    settings = {"timeout": 3 * LIMIT, "policy": policy, "preload": policy is not None}
    if runner == "python":
        outcome = run_job(JOB.name, program, library, tmp=folder, env=env, **settings)
    else:
        flags = ["-n", "2"] if runner == "xdist" else []
        outcome = run_pytest(program, flags, folder, env, **settings)
    noted = {}
    for line in times.read_text().splitlines():
        word, time = line.split()
        noted.setdefault(word, []).append(float(time))
    assert "waiting" in noted, outcome
    return outcome, noted


def see(case, folder, **settings):
    return seen(case.runner, case.program, case.library, folder, **settings)


def check_hung(outcome, noted):
    assert outcome.status == -signal.SIGKILL and "over" not in noted, outcome


BARE = [
    "loader_executor",
    "loader_polars",
    "pool_executor",
    "pool_polars",
    "process_pool_polars",
    "process_executor",
    "pytest_test_fork_executor",
    "xdist_test_pool_polars",
]


@pytest.mark.parametrize("case", [case for case in CASES if str(case) in BARE], ids=str)
def test_bare(case, tmp_path, note):
    check_hung(*see(case, tmp_path, policy=None, limit=HANGS))
    note(case, {"bare": "hangs"})


def transcript(case, outcome):
    """What a terminal shows."""
    return outcome.stderr if case.runner == "python" else outcome.stdout + outcome.stderr


def blocks(text):
    """{label: the first text that it stands before}, for each block that speaks of a hang."""
    found = []
    for line in text.splitlines():
        part = re.fullmatch(r"forkpolicy:   (\w+) +(.*)", line)
        if part:
            found[-1].setdefault(*part.groups())
        elif line.startswith("forkpolicy: "):
            found.append({"head": line})
    return [block for block in found if " can never go on: " in block["head"]]


def job_line(text, case):
    """FILE:NUMBER of the job's line that holds TEXT; of several, the one in the case's program."""
    lines = JOB.read_text().splitlines()
    numbers = [i for i, line in enumerate(lines, 1) if text in line]
    program = lines.index(f"def {case.program}():") + 1
    number = min((i for i in numbers if i > program), default=numbers[-1])
    return f"{JOB.name if case.runner == 'python' else 'test_seen.py'}:{number}"


def check_block(block, case):
    assert block["for"].startswith(f"{case.lost.name} ")
    assert f"/{job_line(case.lost.line, case)} in <lambda>" in block["at"]
    assert f"/{job_line(case.fork, case)} in " in block["fork"]
    assert case.advice in block["do"]
    assert case.lost.advice in block["or"]
    raised = "ForkPolicyError is raised at that line"
    assert block["now"] == (raised if case.lost.raises else "the process ends with status 70")


def check_error(text, case):
    """The parent's own error says the same: where the worker could hand one over."""
    error, *more = re.findall(r"^(?:E  +)?RuntimeError: this child .*", text, re.MULTILINE)
    assert not more
    assert f"it waits for {case.lost.name} " in error and case.lost.advice in error
    assert f"/{job_line(case.fork, case)} in " in error
    assert f"Instead: {case.advice}" in error


def check_status(outcome, case):
    exited = case.program == "process" and not case.lost.raises
    assert outcome.status == (70 if exited else 1), outcome


REPLACED = [
    # Folders and versions
    (r"[^\s\"(]*/site-packages/", "SITE/"),
    (r"[^\s\"(]*/lib/python3\.\d+/", "LIB/"),
    (r"/\S*python3[.\d]*(?:\.so[.\d]*)?(?= |$)", "PYTHON"),
    (r"\bpython 3\.\d+\.\d+", "python X.Y.Z"),
    (r"^(?:platform|rootdir:|plugins:) .*\n", ""),
    (r"^\[gw\d\] .*", "[GATEWAY] PYTHON"),
    # Numbers
    (r"\bpid(\(s\))? \d+", r"pid\1 PID"),
    (r"\.py:\d+", ".py:LINE"),
    (r", line \d+", ", line LINE"),
    (r"\b\d+ ([a-z][a-z ]*)threads? \([^)]*\)", r"N \1threads (NAMES)"),
    (r"\b\d+ threads? lost", "N threads lost"),
    (r"\b\d+\.\d s ago", "SECONDS ago"),
    (r" for \d[.\d]* s; ", "; "),
    (r"=+ (.*) in \d+\.\d+s =+", r"= \1 in SECONDS ="),
    # Where in a line it was: some versions say so
    (r"^[E ]*[\^~]+\s*\n", ""),
    # Of stacks, others' frames below the first
    (
        r'(?:^ *(?:File ")?(?:SITE|LIB)/.*(?:, line LINE, in|:LINE: in) .*\n(?: {4}.*\n)*)+',
        "  ...\n",
    ),
    (r"(?:^forkpolicy: {11}(?!JOBS).*\n)+", "forkpolicy:           ...\n"),
    (r"^(forkpolicy:   native  [^\s+]+).*", r"\1"),
]


def normalised(text, folder):
    """As it is on every machine, and short."""
    text = text.replace(str(JOBS), "JOBS").replace(f"{folder}/test_", "JOBS/")
    text = text.replace("test_seen.py", "JOBS/seen.py")
    for pattern, new in REPLACED:
        text = re.sub(pattern, new, text, flags=re.MULTILINE)
    return text


@pytest.mark.parametrize("case", CASES, ids=str)
def test_parent_ends_and_says_why(case, tmp_path, note):
    """Golden: set UPDATE_GOLDEN to write it anew."""
    outcome, noted = see(case, tmp_path)
    check_status(outcome, case)
    text = transcript(case, outcome)
    (block,) = blocks(text)
    check_block(block, case)
    if "pool" in case.program and (case.lost.raises or case.program != "process_pool"):
        check_error(text, case)
    seconds = noted["over"][0] - noted["waiting"][0]
    assert seconds >= 0
    note(
        case,
        {
            "outcome": "raised" if case.lost.raises else "exited",
            "told after": f"{seconds:.2f}",
            "status": str(outcome.status),
        },
    )
    golden = GOLDEN / f"fail_{case}.txt"
    text = normalised(text, tmp_path) + f"exit status {outcome.status}\n"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("library", ["executor", "polars"])
def test_every_task_of_a_pool_is_answered(library, tmp_path):
    """Each worker that ends makes room for another one."""
    env = {"SEEN_TASKS": "6", "SEEN_WORKERS": "2"}
    outcome, noted = seen("python", "pool", library, tmp_path, env=env)
    assert outcome.status == 1 and len(noted["waiting"]) == 6, outcome
    told = blocks(outcome.stderr)
    assert 1 <= len(told) <= 6
    for block in told:
        assert block["for"].startswith(f"{LIBRARIES[library].name} ")


@pytest.mark.parametrize("installed", [False, True], ids=["no_package", "package"])
@pytest.mark.parametrize(
    "program, library",
    [
        ("loader", "executor"),
        ("pool", "executor"),
        ("pool", "polars"),
        ("process_pool", "executor"),
    ],
)
def test_error_comes_through_to_the_parent(program, library, installed, tmp_path):
    """Where the package is not installed, as a RuntimeError; torch makes a new one of its class."""
    env = {"PYTHONPATH": str(PACKAGE) if installed else ""}
    outcome, _ = seen("python", program, library, tmp_path, env=env)
    kind = "ForkPolicyError" if installed else "RuntimeError"
    start = "Caught {} in DataLoader worker " if program == "loader" else "this child process can "
    error = f"{'forkpolicy.' if installed else ''}{kind}: {start.format(kind)}"
    _, own = outcome.stderr.split(", in <module>\n")  # the parent's traceback
    assert outcome.status == 1 and f"\n{error}" in own, outcome
    assert "PicklingError" not in outcome.stderr and "MaybeEncodingError" not in outcome.stderr


@pytest.mark.parametrize("library", ["executor", "polars"])
def test_second_loader(library, tmp_path):
    outcome, _ = seen("python", "second_loader", library, tmp_path)
    assert outcome.status == 1 and len(blocks(outcome.stderr)) == 1, outcome


@pytest.mark.xfail(strict=True, reason="the task's numbers are in what the worker still unpickles")
@pytest.mark.parametrize("library", ["executor", "polars"])
def test_pool_whose_argument_waits(library, tmp_path):
    outcome, _ = seen("python", "argument", library, tmp_path, limit=HANGS)
    assert outcome.status == 1, outcome


# The job goes on for a while after it was told of, which does not happen again and again.
UNTIL_TOLD = {"SEEN_UNTIL_TOLD": "1"}


@pytest.mark.parametrize("library", ["executor", "polars"])
def test_pool_whose_initializer_waits(library, tmp_path):
    """Its parent waits for ever in any case: it is told so, and not without end."""
    outcome, _ = seen("python", "initializer", library, tmp_path, env=UNTIL_TOLD)
    assert 1 <= len(blocks(outcome.stderr)) <= 2


def test_task_that_tries_again(tmp_path):
    outcome, _ = seen("python", "retried", "executor", tmp_path, env=UNTIL_TOLD)
    assert 1 <= len(blocks(outcome.stderr)) <= 2


ASKER = """
import multiprocessing, sys
sys.path.insert(0, sys.argv[2])
import seen
def answer(answers):
    answers.put(seen.again())
seen.prepare(sys.argv[1])
answers = seen.FORK.Queue()
seen.FORK.Process(target=answer, args=(answers,)).start()
print(answers.get())
"""


@pytest.mark.parametrize("library", ["executor", "polars"])
@pytest.mark.parametrize(
    "policy, program",
    [
        ("warn", "argument"),
        ("fail", "argument"),
        ("warn", "initializer"),
        ("fail", "initializer"),
        ("warn", "asker"),
        ("fail", "asker"),
    ],
)
def test_ci_ends_a_job_that_does_not_notice(policy, program, library, tmp_path):
    """The parent waits for an answer of a child that hangs, or that has ended."""
    (tmp_path / "asker.py").write_text(ASKER)
    job = [tmp_path / "asker.py", library, JOBS] if program == "asker" else [JOB, program, library]
    flags = ["--ci", "--policy", policy, "--options", "hang_seconds=2"]
    outcome = support.run(
        [support.PROGRAM, "run", *flags, "--", support.environment_python("wheels"), *job],
        env={**POOLS, "SEEN_TIMES": str(tmp_path / "times"), "SEEN_LIMIT": str(LIMIT)},
        preload=False,
        timeout=3 * LIMIT,
    )
    assert outcome.status == 70, outcome
    assert "forkpolicy: job ended: child " in outcome.stderr, outcome
    assert LIBRARIES[library].name in outcome.stderr, outcome
