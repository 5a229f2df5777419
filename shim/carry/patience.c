/* See patience.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/carry/patience.h"

#include "common/files.h"
#include "policy/text.h"
#include "shim/base/clock.h"

#include <string.h>
#include <time.h>

enum {
    SPAN = 500000,     /* microseconds: for threads that run, or sleep elsewhere */
    MOST = 10000000,   /* for one that gets no processor */
    SHARE = SPAN / 20, /* of a processor: who had less in this time has hardly run */
    MISSES = 2
};

static unsigned long misses; /* forks in a row that found no rest */

struct fp_patience fp_patience_begin(void)
{
    uint64_t now = fp_microseconds();
    return (struct fp_patience){.begun = now, .limit = now + (misses < MISSES ? SPAN : 0)};
}

void fp_patience_paid(void)
{
    misses = 0;
}

static int who_hinders(const struct fp_party *party)
{
    for (size_t i = 0; i < party->count; i++)
        if (party->members[i].outcome.reason != FP_UNCARRIED_NONE)
            return party->members[i].outcome.thread;
    return 0;
}

/* What a thread has used of a processor; its clock's number is made of its own (Linux
   include/linux/posix-timers_types.h, CPUCLOCK_PERTHREAD_MASK and CPUCLOCK_SCHED). */
static uint64_t used_by(int thread)
{
    enum { OF_THREAD = 4, BY_SCHEDULER = 2 };
    struct timespec used = {0};
    clockid_t clock = (clockid_t)(~(unsigned)thread << 3 | OF_THREAD | BY_SCHEDULER);
    return clock_gettime(clock, &used) == 0 ? fp_nanoseconds(&used) / 1000 : 0;
}

/* Has a processor, or waits for one. */
static bool is_runnable(int thread)
{
    char path[48], stat[64]; /* "TID (NAME) STATE ..."; a name has 15 bytes */
    struct fp_text text = FP_TEXT(path);
    fp_text_format(&text, "/proc/self/task/%d/stat", thread);
    const char *name_end = fp_file_read(path, stat, sizeof stat) > 0 ? strrchr(stat, ')') : NULL;
    return name_end && strncmp(name_end, ") R", 3) == 0;
}

static bool is_starved(const struct fp_patience *patience, int thread, uint64_t now)
{
    return thread && thread == patience->thread && now - patience->begun < MOST &&
           is_runnable(thread) && used_by(thread) - patience->used < SHARE;
}

bool fp_patience_is_over(struct fp_patience *patience, const struct fp_party *party)
{
    int thread = who_hinders(party);
    uint64_t now = fp_microseconds();
    if (now >= patience->limit) {
        bool goes_on = misses < MISSES && is_starved(patience, thread, now);
        misses += !goes_on;
        if (!goes_on)
            return true;
        patience->limit = now + SPAN;
        patience->thread = 0;
    }
    if (thread && thread != patience->thread) {
        patience->thread = thread;
        patience->used = used_by(thread);
    }
    return false;
}
