/* See origin.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/threads/origin.h"

#include "common/large.h"
#include "shim/base/child_section.h"
#include "shim/base/clock.h"
#include "shim/base/self.h"
#include "shim/python/python.h"
#include "shim/threads/lost.h"
#include "shim/threads/sites.h"
#include "shim/threads/table.h"

#include <stdint.h>
#include <unistd.h>

#define UNKNOWN_DEPTH SIZE_MAX

struct note {
    const struct fp_site *site;
    const char *call;
    enum fp_origin origin;
    struct fp_forking_thread forking;
    uint64_t milliseconds; /* CLOCK_MONOTONIC */
    size_t python_depth;   /* of the forking thread's Python stack; UNKNOWN_DEPTH: that thread lacks
                              the GIL, and another one may have had it */
    size_t other_count;    /* of Python's other threads, if it was the last to note them: */
    unsigned others_noted; /* as many times had they been noted */
    unsigned threads;      /* of the parent, as it was told at the fork; 0 = nothing was */
};

static FP_THREAD struct note next; /* of the fork that is under way */
static FP_THREAD bool is_wanted;   /* and its child is to be watched */
static FP_THREAD bool is_survivor;

/* Python's other threads, as the last fork found them; for who has the GIL. */
FP_LARGE static struct fp_python_thread others[FP_PYTHON_OTHERS];
static unsigned others_noted;

static struct note origin;
static bool is_watched;
static atomic_bool awaits_gil; /* nobody has had the GIL in this process yet */

void fp_origin_note(const char *call, enum fp_origin kind, const struct fp_site *site,
                    unsigned threads)
{
    bool lacks_gil = kind == FP_ORIGIN_NATIVE_IN_PYTHON && !fp_python_holds_gil();
    next = (struct note){.site = fp_site_keep(site),
                         .call = call,
                         .origin = kind,
                         .forking = {.creator = fp_table_creator(), .is_survivor = is_survivor},
                         .milliseconds = fp_milliseconds(),
                         .python_depth = lacks_gil ? UNKNOWN_DEPTH : fp_python_depth(),
                         .threads = threads};
    if (kind != FP_ORIGIN_PYTHON || !fp_python_holds_gil())
        return;
    next.others_noted = ++others_noted;
    next.other_count = fp_python_other_threads(others);
}

FP_CHILD void fp_origin_watch(bool is_to_be_watched)
{
    if (is_wanted != is_to_be_watched) /* most forks write nothing */
        is_wanted = is_to_be_watched;
}

bool fp_origin_next(struct fp_fork_origin *fork)
{
    unsigned threads = next.threads ? next.threads : fp_table_threads();
    if (!is_wanted)
        return false;
    *fork = (struct fp_fork_origin){.call = next.call,
                                    .origin = next.origin,
                                    .site = next.site,
                                    .lost_threads = threads ? threads - 1 : 0,
                                    .milliseconds = next.milliseconds};
    return true;
}

FP_CHILD bool fp_origin_child(bool (*is_reset)(uint32_t runtime))
{
    if (!is_wanted)
        return false;
    is_wanted = false; /* runs twice for most forks */
    next.forking.process = getppid();
    fp_lost_note(&next.forking, is_reset);
    is_survivor = true;
    origin = next;
    atomic_store(&awaits_gil, next.python_depth == UNKNOWN_DEPTH);
    is_watched = true;
    return true;
}

FP_CHILD bool fp_origin_is_watched(void)
{
    return is_watched;
}

bool fp_origin_is_survivor(void)
{
    return is_survivor;
}

size_t fp_origin_python_depth(void)
{
    return is_survivor ? origin.python_depth : 0;
}

size_t fp_origin_other_threads(const struct fp_python_thread **threads)
{
    *threads = others;
    return origin.others_noted == others_noted ? origin.other_count : 0;
}

/* All but the forking one, as the fork's own message counts them. */
static unsigned lost_threads(void)
{
    return origin.threads ? origin.threads - 1 : fp_lost_total();
}

struct fp_fork_origin fp_origin(void)
{
    return (struct fp_fork_origin){.call = origin.call,
                                   .origin = origin.origin,
                                   .site = origin.site,
                                   .parent = origin.forking.process,
                                   .lost_threads = lost_threads(),
                                   .milliseconds = fp_milliseconds() - origin.milliseconds};
}

const struct fp_site *fp_origin_site(void)
{
    return origin.site;
}

FP_CHILD bool fp_origin_awaits_gil(void)
{
    return atomic_load_explicit(&awaits_gil, memory_order_relaxed);
}

void fp_origin_hear_gil(void)
{
    if (!fp_python_holds_gil())
        return;
    if (is_survivor && origin.python_depth == UNKNOWN_DEPTH)
        origin.python_depth = fp_python_depth();
    atomic_store(&awaits_gil, false);
}
