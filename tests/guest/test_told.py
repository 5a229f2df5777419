# SPDX-License-Identifier: Apache-2.0
"""What must be said, or be ended, beside programs like those of the table."""

import json
import shutil
import subprocess

import pytest

import support
from rows import Row, built, run

ENDS = ["fail", "refuse", "reset"]


@pytest.mark.parametrize("policy", ENDS)
@pytest.mark.parametrize(
    "program, scenario",
    [
        ("registered_and_gone", "hang_never_registered"),
        ("registered_and_gone", "hang_after_it_was_registered"),
        ("registered_and_gone", "hang_after_it_was_registered_at_a_fork"),
        ("main_has_left", "hang_of_the_last_one"),
        ("main_has_left", "hang_of_the_last_two"),
        ("c11_waits", "hang_for_a_lost_owner"),
        ("c11_waits", "hang_for_a_condition"),
        ("c11_waits", "hang_for_a_thread"),
    ],
)
def test_hang_is_ended(program, scenario, policy, tmp_path):
    outcome = run(Row(program, scenario, policy), tmp_path / "run")
    assert outcome.stdout.endswith("the child ends with 70\n"), outcome
    assert [hang["verdict"] for hang in outcome.of("hang")] == ["proven"]


def test_hang_of_c11_waits_with_a_limit_is_told(tmp_path):
    env = (("FORKPOLICY_OPTIONS", "hang_seconds=0.2"),)
    outcome = run(Row("c11_waits", "hang_of_one_that_tries_again", "warn", env=env), tmp_path / "run")
    (hang,) = outcome.of("hang")
    assert (hang["verdict"], hang["reason"], hang["cause"]) == ("suspected", "timed", "library")


def test_file_that_became_descriptor_2_has_no_report(tmp_path):
    outcome = run(Row("daemon_descriptors", "hangs", "fail"), tmp_path / "run")
    assert outcome.file == b"DATA\n" and outcome.of("hang")


def test_record_after_half_a_record(tmp_path):
    """Where the disk was full for a moment, one record is lost, not two."""
    log = tmp_path / "log"
    for scenario in ("part_of_a_record", "without_a_limit"):
        env = support.environment("fail", log)
        subprocess.run(
            [built("file_size_limit"), scenario],
            env=env,
            stdout=subprocess.DEVNULL,
            timeout=30,
        )
    lines = log.read_text().splitlines()
    whole = [line for line in lines if line.startswith("{") and line.endswith("}")]
    assert [json.loads(line)["event"] for line in whole].count("fork") >= 1, lines


def test_program_with_a_sanitizer_runs(tmp_path):
    program = built("address_sanitizer")
    outcome = support.run([support.PROGRAM, "run", "--", program], preload=False)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "hello\n", ""), outcome


def ended_process():
    """The number of one that has been."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.mark.parametrize("by", ["ended", "running"])
def test_bad_entry_is_said_in_a_job_of_its_own(by, tmp_path):
    """The environment of another job, a login or a service that ran before, silences nobody."""
    process = subprocess.Popen(["sleep", "60"])
    number = process.pid if by == "running" else ended_process()
    try:
        outcome = support.run(
            [built("file_size_limit"), "without_a_limit"],
            policy="nonsense",
            env={"FORKPOLICY_NOTICE_BY": str(number)},
        )
    finally:
        process.kill()
        process.wait()
    assert "FORKPOLICY column 1" in outcome.stderr, outcome


WAITS = 200  # as many_waits.c has them


@pytest.mark.parametrize("scenario", ["shared_semaphore", "own_thread"])
def test_short_waits_open_no_files(scenario, tmp_path):
    """What lasts a moment is not looked at: files of /proc that the child opens, by strace."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    trace = tmp_path / "trace"
    outcome = support.run(
        ["strace", "-f", "-e", "trace=openat", "-o", trace, "-E", f"LD_PRELOAD={support.LIBRARY}",
         built("many_waits"), scenario],
        preload=False,
        policy="warn",
    )
    assert outcome.status == 0, outcome
    opened = trace.read_text().count('"/proc/')
    assert opened < WAITS // 2, f"{opened} files of /proc opened in {WAITS} waits"
