/*
 * A wait that another thread moves to another word (FUTEX_CMP_REQUEUE), as condition variables of
 * other languages do, and that is woken there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

static int first, second;
static sem_t woken;

static void *wait_at_first(void *unused)
{
    long result = futex(&first, FUTEX_WAIT_PRIVATE, 0);
    must(result == 0, "futex");
    sem_post(&woken);
    return unused;
}

static void requeue_and_wake(long milliseconds, int changes)
{
    sem_init(&woken, 0, 0);
    pthread_t thread = start(wait_at_first, NULL);
    rest(100);
    long moved = syscall(SYS_futex, &first, FUTEX_CMP_REQUEUE_PRIVATE, 0, 1L, &second, 0);
    must(moved == 1, "FUTEX_CMP_REQUEUE");
    if (changes)
        __atomic_store_n(&first, 1, __ATOMIC_SEQ_CST);
    rest(milliseconds);
    futex(&second, FUTEX_WAKE_PRIVATE, 1);
    struct timespec end = milliseconds_from_now(CLOCK_REALTIME, 3000);
    must(sem_timedwait(&woken, &end) == 0, "it was woken at the second word");
    pthread_join(thread, NULL);
}

CHILD(woken_after_a_while)
{
    requeue_and_wake(LOOKS, 0);
}

CHILD(woken_after_the_first_word_changed)
{
    requeue_and_wake(LOOKS, 1);
}

static int *shared;

static void wait_at_shared(void)
{
    long result = futex(&shared[0], FUTEX_WAIT, 0);
    must(result == 0, "futex");
}

SCENARIO(moved_by_another_process)
{
    start_sleeper();
    shared =
        mmap(NULL, 2 * sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(shared != MAP_FAILED, "mmap");
    pid_t child = start_child(wait_at_shared);
    rest(100);
    long moved = syscall(SYS_futex, &shared[0], FUTEX_REQUEUE, 0, 1L, &shared[1], 0);
    must(moved == 1, "FUTEX_REQUEUE");
    rest(LOOKS);
    futex(&shared[1], FUTEX_WAKE, 1);
    return tell_end(end_in_time(child));
}
