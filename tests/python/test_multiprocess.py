# SPDX-License-Identifier: Apache-2.0
"""fail, in a pool of multiprocess: a copy of multiprocessing is treated as that is."""

from python_jobs import run_job


def test_task_that_hangs_is_answered(foreign_library, tmp_path):
    """Its worker ends, and the pool itself would not notice."""
    settings = {"environment": "servers", "policy": "fail", "log": tmp_path / "log", "timeout": 60}
    outcome = run_job("dill_pool.py", foreign_library, **settings)
    assert outcome.stdout.startswith("raised this child process can never go on: "), outcome
    assert 'multiprocess.set_start_method("spawn")' in outcome.stdout, outcome
    (hang,) = outcome.of("hang")
    assert (hang["verdict"], hang["outcome"], hang["answered"]) == ("proven", "exited", True), hang
    assert hang["waiting"]["site"]["user"]["file"].endswith("dill_pool.py"), hang
