# SPDX-License-Identifier: Apache-2.0
"""fail, in a child beside whose hang helpers rest: threads that wake no thread of the program."""

import pytest

from python_jobs import run_job

OWN = "helpers */own_helper.py\n"


def helped(library, folder, wait, *helpers, **env):
    policy = folder / "own.policy"
    policy.write_text(OWN)
    env = {"FORKPOLICY_FILE": str(policy), "FORKPOLICY_OPTIONS": "hang_seconds=2", **env}
    settings = {"policy": "fail", "log": folder / "log", "timeout": 90}
    return run_job("helped.py", library, wait, ",".join(helpers), env=env, **settings)


@pytest.mark.parametrize("helpers", ["sharer", "feeder,sharer", "own", "feeder,sharer,own"])
def test_helpers_at_rest_keep_no_hang_from_being_proven(helpers, foreign_library, tmp_path):
    outcome = helped(foreign_library, tmp_path, "native", *helpers.split(","))
    assert outcome.stdout == "worker ended with 70\n", outcome
    (hang,) = outcome.of("hang")
    assert (hang["verdict"], hang["reason"]) == ("proven", "helpers"), hang
    assert hang["waiting"]["site"]["user"]["file"].endswith("helped.py"), hang
    assert hang["waiting"]["seconds"] < 2 and hang["lost"]["dso"].endswith("/libforeign.so"), hang


@pytest.mark.parametrize("helpers", ["reader", "sharer,reader"])
def test_thread_that_may_do_anything_is_no_helper(helpers, foreign_library, tmp_path):
    outcome = helped(foreign_library, tmp_path, "native", *helpers.split(","), HELPED_SECONDS="5")
    assert outcome.stdout == "worker ended with None\n", outcome
    assert [hang["verdict"] for hang in outcome.of("hang")] == ["suspected"], outcome


def test_own_thread_is_a_helper_only_where_the_policy_says_so(foreign_library, tmp_path):
    env = {"FORKPOLICY_FILE": "/dev/null", "HELPED_SECONDS": "5"}
    outcome = helped(foreign_library, tmp_path, "native", "own", **env)
    assert outcome.stdout == "worker ended with None\n", outcome


@pytest.mark.parametrize("helpers", ["sharer", "feeder,sharer,own"])
def test_worker_that_sleeps_beside_helpers_is_left_alone(helpers, foreign_library, tmp_path):
    outcome = helped(foreign_library, tmp_path, "parked", *helpers.split(","), HELPED_SECONDS="5")
    assert outcome.stdout == "worker ended with None\n" and not outcome.of("hang"), outcome
