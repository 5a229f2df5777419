# SPDX-License-Identifier: Apache-2.0
"""What is known to be wrong, a line for each program: whoever mends it takes the line out.

(what, policies, why, rate): a row is PROGRAM-SCENARIO-POLICY, any other test its name and its
parameters; `*` stands for anything. Without a rate it is wrong every time, and a test that passes is
a failure; with one it is wrong in that part of the tests.
"""

from fnmatch import fnmatchcase

WATCHED = "warn fail refuse reset"
ONCE = ""  # not for each policy

AT_ONCE = "a thread that is alone is looked at before libc has been asked, and before the word is read"
LEAVES = "handlers are not asked for locks, barriers and joins, and one may leave the wait"
LEFT = "the record of a wait that was left stays, so that a wait with a limit passes for it"
FAULTS = "signals of faults, and SIGCHLD without children, are not thought to be sent by others"
BY_FILE = "memory is private by its mapping, not by how the kernel finds the futex"
NUMBERS = "a lost owner is known by a number alone"
TEAMS = "a team of a thread that no hook saw passes for the main thread's"
ANEW = "nobody asks whose GOMP_parallel a library calls"
TAKEN = "sem_trywait comes first, and is no cancellation point"
STACK = "what is read and said at a fork, or in a look, needs more stack than there is"
EINTR = "EINTR and SA_RESTART are decided by the handlers that there are after one has run"
BETWEEN = "a signal that comes between two slices interrupts none of them"
JUMPS = "a jump out of a look leaves cancellation disabled, and `inside` and `looking` set"
MOVED = "the next slice waits for the old word"
EPOLL = "the child gets an instance of its own, armed anew"
PARKED = "only threading.Event().wait() is known as a way to sleep until one is ended"
AGAIN = "an exception is raised again and again for a wait that its caller repeats"
ZOMBIE = "/proc/self/maps is empty where the main thread has left; /proc/thread-self/maps is not"
NOTICE = "FORKPOLICY_NOTICE_BY of another job is believed"
EACH = "a child with one thread looks before every wait"
OWN = "handlers of the program that has Python linked in pass for those of Python"
SERVER = "lines of the parent, below the fork, are evidence against a server that is at rest"

RED = [
    ("answered_at_once-read_lock_by_its_writer", WATCHED, AT_ONCE, ""),
    ("answered_at_once-write_lock_by_its_writer", WATCHED, AT_ONCE, ""),
    ("answered_at_once-join_of_oneself", WATCHED, AT_ONCE, ""),
    ("answered_at_once-futex_for_no_bit", WATCHED, AT_ONCE, ""),
    ("answered_at_once-futex_at_an_odd_address", WATCHED, AT_ONCE, ""),
    ("answered_at_once-futex_at_null", WATCHED, AT_ONCE, ""),
    ("answered_at_once-futex_at_an_unmapped_page", WATCHED, AT_ONCE, ""),
    ("answered_at_once-futex_at_a_page_without_access", WATCHED, AT_ONCE, ""),
    ("answered_at_once-condition_without_its_mutex", WATCHED, AT_ONCE, ""),
    ("left_by_a_handler-mutex_by_a_jump", WATCHED, LEAVES, ""),
    ("left_by_a_handler-mutex_by_exit", WATCHED, LEAVES, ""),
    ("left_by_a_handler-write_lock_by_a_jump", WATCHED, LEAVES, ""),
    ("left_by_a_handler-write_lock_by_exit", WATCHED, LEAVES, ""),
    ("left_by_a_handler-barrier_by_a_jump", WATCHED, LEAVES, ""),
    ("left_by_a_handler-barrier_by_exit", WATCHED, LEAVES, ""),
    ("waits_left_behind-condition_cancelled", WATCHED, LEFT, ""),
    ("waits_left_behind-semaphore_cancelled", WATCHED, LEFT, ""),
    ("waits_left_behind-semaphore_left_by_a_jump", WATCHED, LEFT, ""),
    ("waits_left_behind-mutex_left_by_a_jump", WATCHED, LEFT, ""),
    ("waits_left_behind-write_lock_left_by_a_jump", WATCHED, LEFT, ""),
    ("waits_left_behind-condition_left_by_a_jump", WATCHED, LEFT, ""),
    ("waits_left_behind-futex_left_by_a_jump", WATCHED, LEFT, ""),
    ("signals_from_outside-posts_at_abrt", WATCHED, FAULTS, ""),
    ("signals_from_outside-posts_at_trap", WATCHED, FAULTS, ""),
    ("signals_from_outside-posts_at_pipe", WATCHED, FAULTS, ""),
    ("signals_from_outside-posts_at_xfsz", WATCHED, FAULTS, ""),
    ("signals_from_outside-posts_at_sys", WATCHED, FAULTS, ""),
    ("signals_from_outside-posts_at_bus", WATCHED, FAULTS, ""),
    ("signals_from_outside-posts_at_ill", WATCHED, FAULTS, ""),
    ("signals_from_outside-posts_at_fpe", WATCHED, FAULTS, ""),
    ("signals_from_outside-posts_at_segv", WATCHED, FAULTS, ""),
    ("signals_from_outside-posts_at_chld", WATCHED, FAULTS, ""),
    ("signals_from_outside-sets_a_word_at_abrt", WATCHED, FAULTS, ""),
    ("signals_from_outside-sets_a_word_at_chld", WATCHED, FAULTS, ""),
    ("signals_from_outside-sets_a_word_at_segv_in_company", WATCHED, FAULTS, ""),
    ("signals_from_outside-sets_a_word_at_pipe_in_company", WATCHED, FAULTS, ""),
    ("private_file_memory-file_alone", WATCHED, BY_FILE, ""),
    ("private_file_memory-memory_file_alone", WATCHED, BY_FILE, ""),
    ("private_file_memory-file_in_company", WATCHED, BY_FILE, "4 of 5"),
    ("private_file_memory-memory_file_in_company", WATCHED, BY_FILE, "4 of 5"),
    ("owner_by_number-another_namespace", WATCHED, NUMBERS, "7 of 8"),
    ("owner_by_number-number_used_again", WATCHED, NUMBERS, ""),
    ("unseen_team-thread_by_a_pointer_of_dlsym", "warn fail refuse", TEAMS, ""),
    ("openmp_anew-*", WATCHED, ANEW, ""),
    ("openmp_as_libgomp-*", WATCHED, ANEW, ""),
    ("openmp_preloaded-*", WATCHED, ANEW, ""),
    ("cancelled-free_semaphore_in_a_loop", WATCHED, TAKEN, ""),
    ("cancelled-free_semaphore_when_cancelled_before", WATCHED, TAKEN, ""),
    ("small_stacks-wait_on_an_alternate_stack", WATCHED, STACK, ""),
    ("one_shot_handlers-once_and_interrupts", WATCHED, BETWEEN, "1 of 10"),
    ("one_shot_handlers-once_and_interrupts_beside_one_that_restarts", WATCHED, EINTR, ""),
    ("one_shot_handlers-once_and_restarts", WATCHED, EINTR, ""),
    ("one_shot_handlers-interrupts_and_installs_one_that_restarts", WATCHED, EINTR, ""),
    ("one_shot_handlers-restarts_and_installs_one_that_interrupts", WATCHED, EINTR, ""),
    ("one_shot_handlers-interrupts_and_is_ignored_from_then_on", WATCHED, EINTR, ""),
    ("jumps_out_of_a_look-*", WATCHED, JUMPS, "9 of 10"),
    ("requeued-woken_after_a_while", WATCHED, MOVED, ""),
    ("shared_epoll-parent_adds_later", "reset", EPOLL, ""),
    ("shared_epoll-one_shot_is_disarmed", "reset", EPOLL, ""),
    ("parked-condition", WATCHED, PARKED, ""),
    ("parked-semaphore", WATCHED, PARKED, ""),
    ("parked-barrier", WATCHED, PARKED, ""),
    ("parked-lock", WATCHED, PARKED, ""),
    ("parked-queue_get", WATCHED, PARKED, ""),
    ("parked-simple_queue_get", WATCHED, PARKED, ""),
    ("parked-queue_join", WATCHED, PARKED, ""),
    ("parked-join_worker", WATCHED, PARKED, ""),
    ("parked-result_of_a_parked_task", WATCHED, PARKED, ""),
    ("wait_that_is_repeated_whatever_is_raised_is_ended*", ONCE, AGAIN, ""),
    ("hang_is_ended[[]main_has_left-*", ONCE, ZOMBIE, ""),
    ("bad_entry_is_said_in_a_job_of_its_own*", ONCE, NOTICE, ""),
    ("short_waits_open_no_files[[]shared_semaphore]", ONCE, EACH, ""),
    ("program_that_has_python_linked_in[[]*-*[!f]]", ONCE, OWN, ""),
    ("managers-pool_whose_results_are_polled", WATCHED, SERVER, "9 of 10"),
    ("managers-pool_that_does_not_ask_it", WATCHED, SERVER, "9 of 10"),
    ("managers-made_by_other_functions", WATCHED, SERVER, "9 of 10"),
    ("managers-locked_for_long", WATCHED, SERVER, "9 of 10"),
    ("ci_lets_a_job_with_a_manager_go_on[[]pool*", ONCE, SERVER, "9 of 10"),
    ("ci_lets_a_job_with_a_manager_go_on[[]made*", ONCE, SERVER, "9 of 10"),
    ("ci_lets_a_job_with_a_manager_go_on[[]locked*", ONCE, SERVER, "9 of 10"),
]


def find(key):
    """(reason, whether it is wrong every time) of a test that is known to be red, or None."""
    for what, policies, why, rate in RED:
        patterns = [f"{what}-{policy}" for policy in policies.split()] or [what]
        if any(fnmatchcase(key, pattern) for pattern in patterns):
            return (f"{why}, {rate}" if rate else why), not rate
    return None
