# SPDX-License-Identifier: Apache-2.0
"""Programs that do well, and whose waits all end: none is called a proven hang."""

import pytest

import support
from rows import check, rows, scenarios


@rows("answered_at_once")
def test_what_libc_answers_at_once_is_no_wait(row, outcomes):
    check(row, outcomes)


@rows("left_by_a_handler")
def test_handler_may_leave_any_wait(row, outcomes):
    check(row, outcomes)


@rows("ended_by_a_timer")
def test_timer_of_its_own_ends_the_process(row, outcomes):
    check(row, outcomes)


@rows("last_deed")
def test_condition_changed_by_a_thread_that_has_ended(row, outcomes):
    check(row, outcomes)


@rows("memory_of_two_processes")
def test_process_on_the_same_memory(row, outcomes):
    check(row, outcomes)


@rows("waits_left_behind")
def test_wait_that_was_left_is_over(row, outcomes):
    check(row, outcomes)


@rows("signals_from_outside")
def test_any_signal_may_be_sent(row, outcomes):
    check(row, outcomes)


@rows("private_file_memory")
def test_private_memory_of_a_file_is_shared(row, outcomes):
    check(row, outcomes)


@pytest.fixture(scope="module")
def namespaces():
    if not support.isolation():
        pytest.skip("unshare: no PID namespaces here")


@rows("owner_by_number", isolated=True)
def test_numbers_of_threads_are_used_again(row, outcomes, namespaces):
    if outcomes(row)[0].status == 3:
        pytest.skip("ns_last_pid: numbers of threads cannot be chosen here")
    check(row, outcomes)


@rows("unseen_team", told=True)
def test_team_belongs_to_its_thread(row, outcomes):
    check(row, outcomes)


@rows("openmp_anew")
def test_openmp_that_starts_its_threads_anew(row, outcomes):
    check(row, outcomes)


@rows("openmp_as_libgomp", source="openmp_anew")
def test_openmp_that_starts_anew_by_the_name_of_libgomp(row, outcomes):
    check(row, outcomes)


@rows("openmp_preloaded", source="openmp_anew", preload="libanew.so")
def test_openmp_that_starts_anew_and_is_preloaded(row, outcomes):
    check(row, outcomes)


HANGS = [name for name in scenarios("c11_waits") if name.startswith("hang_")]


@rows("c11_waits", but=HANGS)
def test_waits_of_c11_end_as_they_do_bare(row, outcomes):
    check(row, outcomes)


@rows("main_has_left", but=["hang_of_the_last_one", "hang_of_the_last_two"])
def test_main_thread_has_left(row, outcomes):
    check(row, outcomes)


SOON = (("FORKPOLICY_OPTIONS", "grace_seconds=0.3"),)


@rows("rests_by_turns", env=SOON)
def test_program_of_its_own_rests_by_waits_with_a_limit(row, outcomes):
    check(row, outcomes)
