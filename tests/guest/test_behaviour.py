# SPDX-License-Identifier: Apache-2.0
"""Programs that behave as they do bare, with nothing said, whatever the shim does meanwhile."""

from rows import check, rows


@rows("cancelled")
def test_cancellation_points_stay_what_they_are(row, outcomes):
    check(row, outcomes)


@rows("libraries_closed")
def test_libraries_come_and_go(row, outcomes):
    check(row, outcomes)


@rows("small_stacks")
def test_small_stacks(row, outcomes):
    check(row, outcomes)


@rows("registered_and_gone", but=["hang_never_registered", "hang_after_it_was_registered", "hang_after_it_was_registered_at_a_fork"])
def test_runtimes_that_unregister(row, outcomes):
    check(row, outcomes)


@rows("text_relocations")
def test_libraries_with_text_relocations(row, outcomes):
    check(row, outcomes)


@rows("sandboxed")
def test_child_in_a_sandbox(row, outcomes):
    check(row, outcomes)


@rows("one_shot_handlers")
def test_handler_says_whether_a_wait_goes_on(row, outcomes):
    check(row, outcomes)


@rows("jumps_out_of_a_look")
def test_jumps_out_of_waits(row, outcomes):
    check(row, outcomes)


@rows("signals_to_the_main_thread")
def test_main_thread_blocks_no_signals_beside_threads_that_work(row, outcomes):
    check(row, outcomes)


@rows("requeued")
def test_requeued_waits(row, outcomes):
    check(row, outcomes)


@rows("file_size_limit")
def test_limit_for_the_size_of_files(row, outcomes):
    check(row, outcomes)


@rows("daemon_descriptors", only=["forks"], policies=["off", "warn:*", "fail", "refuse", "reset"])
def test_file_that_became_descriptor_2(row, outcomes):
    check(row, outcomes)


@rows("thread_private", told=True)
def test_threadprivate_values_are_kept(row, outcomes):
    check(row, outcomes)


@rows("shared_epoll")
def test_epoll_instances_shared_on_purpose(row, outcomes):
    check(row, outcomes)


@rows("fork_in_a_handler", env=(("FORKPOLICY_OPTIONS", "quiesce_ms=1000"),))
def test_fork_in_a_handler_during_a_fork(row, outcomes):
    check(row, outcomes)


@rows("many_waits")
def test_many_short_waits(row, outcomes):
    check(row, outcomes)


@rows("woken_for_nothing")
def test_waits_for_a_condition_end_by_its_signals(row, outcomes):
    check(row, outcomes)
