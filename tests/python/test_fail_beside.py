# SPDX-License-Identifier: Apache-2.0
"""fail, in a child with threads of its own: what hangs, what may not, and what each option does."""

from pathlib import Path

import pytest

from python_jobs import JOBS, run_job
from test_fail import CASES, LIMIT, TOLD, check_hung, check_report, hanging

NAMES = ["executor", "lancedb", "deltalake_open", "polars_group_by", "tokenizers", "opendal"]
HANGING = [case for case in CASES if case.name in NAMES]
EARLY = {"FORKPOLICY_OPTIONS": "hang_seconds=1"}


def beside(case, company, tmp_path, until="", env=None):
    outcome = run_job(
        "beside.py",
        case.name,
        company,
        environment=case.environment,
        tmp=tmp_path,
        env={"HANGING_LIMIT": str(LIMIT), "HANGING_UNTIL": until, **(env or {})},
        policy="fail",
        log=tmp_path / "log",
        timeout=3 * LIMIT,
    )
    said = dict(line.partition(" ")[::2] for line in outcome.stdout.splitlines())
    assert outcome.status == 0 and {"waiting", "done"} <= said.keys(), outcome
    return outcome, said


@pytest.mark.parametrize("company", ["sleeper", "sleeping"])
@pytest.mark.parametrize("case", HANGING, ids=str)
def test_told_beside_a_thread_that_is_awake(case, company, tmp_path):
    """It might do something: whether it will cannot be known."""
    outcome, said = beside(case, company, tmp_path, until=TOLD, env=EARLY)
    check_hung(outcome, said)
    (record,) = outcome.of("hang")
    assert (record["verdict"], record["outcome"]) == ("suspected", "waits"), record
    assert record["reason"] == "company" and record["waiting"]["seconds"] >= 1
    check_owner_and_fork(outcome, record, case)


def check_owner_and_fork(outcome, record, case):
    assert record["lost"], record
    assert case.owner in (record["lost"]["name"], record["lost"]["package"]), record
    assert Path(record["fork"]["site"]["user"]["file"]).name == "hanging.py"
    (blamed,) = [line for line in outcome.said if line.startswith("forkpolicy:   for ")]
    assert case.owner in blamed


@pytest.mark.parametrize("case", HANGING, ids=str)
def test_error_for_a_thread_that_hangs_and_is_waited_for(case, tmp_path):
    """The main thread has it, where it waits in Python, though the thread's wait is a library's."""
    outcome, said = beside(case, "joining", tmp_path)
    assert said["raised"].split()[1] == "ForkPolicyError" and said["status"] == "3", outcome
    (record,) = outcome.of("hang")
    assert (record["verdict"], record["outcome"]) == ("proven", "raised"), record
    functions = {(Path(each["file"]).name, each["function"]) for each in record["python_stack"]}
    assert ("beside.py", "joining") in functions
    check_owner_and_fork(outcome, record, case)


# What a proof leads to

ENDS = {  # on_proven: what the parent sees, of a wait in Python and of one in a library
    "raise": ("status 3", "status 70"),
    "exit": ("status 70", "status 70"),
    "abort": ("signal 6", "signal 6"),
    "report": ("hung", "hung"),
}
OUTCOMES = {"raise": "raised", "exit": "exited", "abort": "aborted", "report": "waits"}


@pytest.mark.parametrize("wanted", ENDS)
@pytest.mark.parametrize("name", ["executor", "polars_group_by"])
def test_on_proven(name, wanted, tmp_path):
    (case,) = [case for case in CASES if case.name == name]
    in_python = case.outcome == "raised"
    outcome, said = hanging(
        case,
        tmp_path,
        until=TOLD if wanted == "report" else "",
        policy="fail",
        log=tmp_path / "log",
        env={"FORKPOLICY_OPTIONS": f"on_proven={wanted}"},
    )
    word, _, number = ENDS[wanted][not in_python].partition(" ")
    assert word in said and said[word] == number, outcome
    assert ("raised" in said) == (in_python and wanted == "raise")
    (record,) = outcome.of("hang")
    ends = "exited" if wanted == "raise" and not in_python else OUTCOMES[wanted]
    assert (record["verdict"], record["outcome"]) == ("proven", ends), record
    check_report(outcome, [record], case)


@pytest.mark.parametrize("name", NAMES)
def test_warn_tells_the_same_and_lets_it_wait(name, tmp_path):
    (case,) = [case for case in CASES if case.name == name]
    outcome, said = hanging(case, tmp_path, until=TOLD, policy="warn", log=tmp_path / "log")
    check_hung(outcome, said)
    (record,) = outcome.of("hang")
    assert (record["verdict"], record["outcome"]) == ("proven", "waits"), record
    assert record["python_stack"] and record["native_stack"]
    hangs = [line for line in outcome.said if " can never go on: " in line]
    assert len(hangs) == 1, outcome


# That a lost library was called

CALLS = {
    "polars_group_by": "futex",
    "deltalake_open": "futex",
    "lancedb_async": "",
    "opendal_async": "",
}


@pytest.mark.parametrize("policy", ["warn", "fail"])
@pytest.mark.parametrize("name", CALLS)
def test_use_of_what_was_lost_is_noted_once(name, policy, tmp_path):
    (case,) = [case for case in CASES if case.name == name]
    used = f'"event":"use".*"name":"{case.owner}"'
    outcome, _ = hanging(case, tmp_path, until=used, policy=policy, log=tmp_path / "log")
    uses = [use for use in outcome.of("use") if use["runtime"]["name"] == case.owner]
    assert len(uses) == 1 and uses[0]["pid"] == outcome.of("fork")[0]["child"], outcome.records
    assert not CALLS[name] or uses[0]["call"] == CALLS[name]
