/*
 * A shim in a hurry, to find races that a user would meet in years: the slices of its waits last
 * some tens of microseconds, so that a look comes at every moment of what the others do. It counts
 * its looks. Linked into a shim of its own, by --wrap.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/hang/other_threads.h"
#include "shim/hang/wait_record.h"
#include "shim/watch/wait_loop.h"

__attribute__((visibility("default"))) atomic_ulong fp_looks;

void __real_fp_company_look(struct fp_company_look *look, uint64_t blocked, bool is_late);
void __wrap_fp_company_look(struct fp_company_look *look, uint64_t blocked, bool is_late);
struct timespec __real_fp_waiting_next(struct fp_waiting *waiting, clockid_t clock);
struct timespec __wrap_fp_waiting_next(struct fp_waiting *waiting, clockid_t clock);

void __wrap_fp_company_look(struct fp_company_look *look, uint64_t blocked, bool is_late)
{
    atomic_fetch_add(&fp_looks, 1);
    __real_fp_company_look(look, blocked, is_late);
}

struct timespec __wrap_fp_waiting_next(struct fp_waiting *waiting, clockid_t clock)
{
    enum { SHORTEST = 5000, SPREAD = 90000 }; /* nanoseconds */
    struct timespec at;
    __real_fp_waiting_next(waiting, clock);
    clock_gettime(clock, &at);
    at.tv_nsec += SHORTEST + at.tv_nsec % SPREAD;
    at.tv_sec += at.tv_nsec / 1000000000L;
    at.tv_nsec %= 1000000000L;
    fp_wait_record_limit(&at);
    return at;
}
