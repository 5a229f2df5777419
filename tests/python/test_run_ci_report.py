# SPDX-License-Identifier: Apache-2.0
"""run --ci: the folder of its report, its log, and a job that it has not ended."""

import os
import subprocess

import pytest

import support
from ci_runs import LIMIT, PROGRAM, check_brief

FORKS = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(1); pool.submit(int).result()
child = os.fork()
if child == 0:
    sys.argv[1] == "hang" and pool.submit(int).result()
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def run_forks(way, folder, *settings):
    command = [support.environment_python("wheels"), "-c", FORKS, way]
    return subprocess.run(
        [PROGRAM, "run", "--ci", *settings, "--", *command],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={**os.environ, "TMPDIR": str(folder)},
    )


def test_a_job_that_passes_adds_no_line_under_any_policy(tmp_path):
    for policy in ("warn", "warn:*", "fail", "reset"):
        done = run_forks("pass", tmp_path, "--policy", policy)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), policy
        assert list(tmp_path.iterdir()) == []


def test_the_report_has_records_stacks_and_a_page(tmp_path):
    folder = tmp_path / "report"
    done = run_forks("hang", tmp_path, "--ci-report", folder)
    assert done.returncode == 70, done
    lines = check_brief(done.stderr)
    assert lines[-1].endswith(f" {folder}/report.txt")
    assert sorted(path.name for path in folder.iterdir()) == [
        "forks.jsonl",
        "report.html",
        "report.txt",
    ]
    report = (folder / "report.txt").read_text()
    assert "native" in report and "+0x" in report and "the job's processes when" in report


def test_a_report_is_not_of_an_earlier_job(tmp_path):
    folder = tmp_path / "report"
    for job in ("hang", "pass"):
        run_forks(job, tmp_path, "--ci-report", folder)
    assert sorted(path.name for path in folder.iterdir()) == ["forks.jsonl", "report.html"]
    for path in folder.iterdir():
        assert '"event":"hang"' not in path.read_text(), path


@pytest.mark.parametrize("policy, words", [("fail", "hung: the fork lost "), ("refuse:*", "refused")])
def test_a_job_that_fails_for_a_fork_says_so(policy, words, tmp_path):
    done = run_forks("hang", tmp_path, "--policy", policy)
    lines = check_brief(done.stderr)
    assert lines[0].startswith(f"forkpolicy: exit status {done.returncode}: ")
    assert done.returncode in (1, 70) and words in lines[0], done


def test_a_report_that_cannot_be_written_is_an_error(tmp_path):
    done = run_forks("pass", tmp_path, "--ci-report", tmp_path / "none" / "none")
    assert done.returncode == 2 and "no folder for the report: " in done.stderr


def test_without_a_log_none_is_left(tmp_path):
    script = tmp_path / "job.py"
    script.write_text("print('fine')\n")
    done = subprocess.run(
        [PROGRAM, "run", "--ci", "--", support.environment_python("wheels"), script],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")
    assert list(tmp_path.iterdir()) == [script]


def test_a_log_for_each_process_cannot_be_followed(tmp_path):
    done = subprocess.run(
        [PROGRAM, "run", "--ci", "--log", tmp_path / "log.%p", "--", "true"],
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 2 and "%p" in done.stderr
