/* How long the slices of a wait are, see wait_loop.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/base/main_thread.h"
#include "shim/hang/hang.h"
#include "shim/hang/signal_handlers.h"
#include "shim/hang/wait_record.h"
#include "shim/watch/wait_loop.h"

/* Threads whose slices end together would find each other awake, again and again. A prime: the main
   thread's record stands a power of two behind that of the first other thread. */
static unsigned out_of_step(const struct fp_wait_record *record)
{
    return (unsigned)((uintptr_t)record / sizeof *record % 17) * 29;
}

/*
 * A signal that comes when a slice has run out, before its thread runs on, breaks off nothing.
 * Where a handler would break off the wait for good, slices become longer and longer, and end at no
 * round second, as alarms do. What remains is a tenth of a millisecond in a minute.
 */
static unsigned longer_each_time(unsigned nth)
{
    enum { DOUBLINGS_MAX = 6 };
    return 1370U << (nth < DOUBLINGS_MAX ? nth : DOUBLINGS_MAX);
}

/* Milliseconds of the next slice. */
static unsigned length_of_slice(const struct fp_waiting *waiting)
{
    static const unsigned short MILLISECONDS[] = {10, 50, 100, 200, 500, 1000};
    enum { LONGEST = sizeof MILLISECONDS / sizeof *MILLISECONDS - 1 };
    unsigned nth = waiting->slices;
    if (nth && fp_break_of(waiting) == FP_BREAK_FOR_GOOD && fp_handlers_interrupt())
        return longer_each_time(nth - 1);
    return nth < LONGEST ? MILLISECONDS[nth]
                         : MILLISECONDS[LONGEST] + out_of_step(fp_wait_record_own());
}

/* Before the second look at what seems proven (hang.c). It counts as none: a thread beside the main
   thread waits for that by slices. */
static unsigned until_second_look(void)
{
    return fp_is_main_thread() ? 1 : 10;
}

struct timespec fp_waiting_next(struct fp_waiting *waiting, clockid_t clock)
{
    struct timespec at;
    bool is_for_second = waiting->proofs == 1;
    unsigned milliseconds = is_for_second ? until_second_look() : length_of_slice(waiting);
    waiting->slices += !is_for_second;
    clock_gettime(clock, &at);
    at.tv_nsec += milliseconds % 1000 * 1000000L;
    at.tv_sec += milliseconds / 1000 + at.tv_nsec / 1000000000L;
    at.tv_nsec %= 1000000000L;
    fp_wait_record_limit(&at);
    return at;
}
