/*
 * Tests of shim/watch/slice.c: how old a wait is before its thread looks around.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/base/clock.h"
#include "shim/base/self.h"
#include "shim/hang/hang.h"
#include "shim/hang/signal_handlers.h"
#include "shim/hang/wait_record.h"
#include "shim/threads/tasks.h"
#include "shim/watch/wait_loop.h"

#include <criterion/criterion.h>
#include <pthread.h>

static unsigned threads = 2;

unsigned fp_tasks_count(void)
{
    return threads;
}

struct fp_wait_record *fp_wait_record_own(void)
{
    return NULL;
}

void fp_wait_record_limit(const struct timespec *at)
{
    (void)at;
}

bool fp_handlers_interrupt(void)
{
    return false;
}

enum fp_break fp_break_of(const struct fp_waiting *waiting)
{
    (void)waiting;
    return FP_BREAK_NONE;
}

static struct fp_waiting begun_before(uint64_t milliseconds)
{
    return (struct fp_waiting){.since = fp_milliseconds() - milliseconds};
}

static void *is_young(void *waiting)
{
    return fp_waiting_is_young(waiting) ? waiting : NULL;
}

Test(slice, the_main_thread_looks_late_beside_others)
{
    struct fp_waiting now = begun_before(0), before = begun_before(260);
    cr_assert(fp_waiting_is_young(&now));
    cr_assert_not(fp_waiting_is_young(&before));
    threads = 1;
    cr_assert_not(fp_waiting_is_young(&now), "alone: nobody else can get a signal");
}

Test(slice, other_threads_look_soon)
{
    pthread_t thread;
    void *found;
    struct fp_waiting now = begun_before(0);
    cr_assert_eq(pthread_create(&thread, NULL, is_young, &now), 0);
    cr_assert_eq(pthread_join(thread, &found), 0);
    cr_assert_null(found);
}
