# SPDX-License-Identifier: Apache-2.0
"""reset: parent and child go on with OpenMP, whose workers the parent sends home before the fork."""

import pytest

from python_jobs import answer, run_job

CHILDREN = 100
ENVIRONMENTS = {"sklearn": "hangs"}


def children(case, count, threads, tmp_path, **settings):
    outcome = run_job(
        "openmp.py",
        case,
        count,
        environment=ENVIRONMENTS.get(case, "wheels"),
        tmp=tmp_path,
        env={"OMP_NUM_THREADS": str(threads), **settings.pop("env", {})},
        timeout=300,
        **settings,
    )
    return answer(outcome), outcome


@pytest.mark.parametrize("case", ["torch", "sklearn", "loader"])
def test_a_child_hangs_bare(case, tmp_path):
    counts, outcome = children(case, 1, 2, tmp_path, preload=False, env={"OPENMP_LIMIT": "4"})
    assert counts["hung"] == 1, outcome


def check(case, count, threads, tmp_path, policy="reset"):
    counts, outcome = children(case, count, threads, tmp_path, policy=policy, log=tmp_path / "log")
    assert counts["ok"] == count and counts["threads"] >= threads, outcome
    assert not outcome.said and not outcome.of("hang"), outcome
    records = [each for each in outcome.of("reset") if each["name"] == "libgomp"]
    assert {each["function"] for each in records} == {"omp_pause_resource_all"}
    assert not any(each["error"] for each in records)
    return records


@pytest.mark.parametrize("threads", [2, 8])
@pytest.mark.parametrize("case", ["torch", "sklearn"])
def test_a_hundred_children_work(case, threads, tmp_path):
    records = check(case, CHILDREN, threads, tmp_path)
    assert len(records) >= CHILDREN  # once for each fork and copy
    # The least: a machine that does much else delays the others.
    assert min(each["microseconds"] for each in records) < 100_000


def test_workers_of_a_data_loader_work(tmp_path):
    check("loader", 5, 2, tmp_path)


def test_children_of_children_work(tmp_path):
    records = check("nested", 10, 2, tmp_path)
    assert len({each["pid"] for each in records}) == 11  # the parent and its children


def test_a_thread_that_forks_beside_another_team(tmp_path):
    check("thread", 10, 2, tmp_path)


@pytest.mark.parametrize("policy", ["reset:libgomp", "off,reset:libgomp", "off,reset:torch"])
def test_what_asks_for_it(policy, tmp_path):
    check("torch", 3, 2, tmp_path, policy=policy)


def test_what_has_no_reset_acts_as_fail(tmp_path):
    counts, outcome = children("polars", 2, 2, tmp_path, policy="reset", log=tmp_path / "log")
    assert counts["status"] == {"70": 2}, outcome
    hangs = outcome.of("hang")
    assert len(hangs) == 2 and all(hang["verdict"] == "proven" for hang in hangs)
    assert all(hang["lost"]["name"] == "polars" for hang in hangs), hangs
    assert not outcome.of("reset")
