/* condition.c: what libc's conditions keep. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/base/condition.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <time.h>

static void make(pthread_cond_t *condition, clockid_t clock)
{
    pthread_condattr_t attributes;
    fp_condition_init();
    pthread_condattr_init(&attributes);
    cr_assert_eq(pthread_condattr_setclock(&attributes, clock), 0);
    cr_assert_eq(pthread_cond_init(condition, &attributes), 0);
}

Test(condition, its_clock_is_told)
{
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    make(&condition, CLOCK_MONOTONIC);
    cr_expect(fp_condition_is_monotonic(&condition));
    make(&condition, CLOCK_REALTIME);
    cr_expect_not(fp_condition_is_monotonic(&condition));
}

/* A wait leaves its marks; a time that is long past by the one clock is to come by the other. */
Test(condition, a_renewed_one_is_like_new_and_keeps_its_clock)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition, fresh;
    struct timespec now;
    make(&fresh, CLOCK_MONOTONIC);
    make(&condition, CLOCK_MONOTONIC);
    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&mutex);
    cr_assert_eq(pthread_cond_timedwait(&condition, &mutex, &now), ETIMEDOUT);
    cr_assert_neq(memcmp(&condition, &fresh, sizeof fresh), 0);
    fp_condition_renew(&condition);
    cr_expect(fp_condition_is_monotonic(&condition));
    cr_expect_eq(memcmp(&condition, &fresh, sizeof fresh), 0);
}
