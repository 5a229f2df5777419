/* See watch.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/watch.h"

#include "shim/got.h"
#include "shim/lost.h"
#include "shim/once.h"
#include "shim/self.h"
#include "shim/sites.h"

#include <time.h>
#include <unistd.h>

static struct {
    bool possible; /* this libc is one whose waits we know */
    bool on;
    bool gil_unsound;
    struct fp_fork_note fork;
} watch;

uint64_t fp_microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t fp_milliseconds(void)
{
    return fp_microseconds() / 1000;
}

void fp_watch_init(void)
{
    watch.possible = fp_got_init();
}

bool fp_watch_is_possible(void)
{
    return watch.possible;
}

void fp_watch_prepare(const char *call, enum fp_origin origin, const struct fp_site *site)
{
    fp_self.fork = (struct fp_fork_note){.site = fp_site_keep(site),
                                         .call = call,
                                         .origin = origin,
                                         .milliseconds = fp_milliseconds()};
    fp_once_share();
    fp_self.watched = fp_got_scan();
}

bool fp_watch_child(void)
{
    fp_got_child();
    if (!fp_self.watched)
        return false;
    fp_self.watched = false; /* runs twice for most forks */
    fp_self.fork.parent = getppid();
    fp_lost_note(fp_self.fork.parent);
    fp_self.survivor = true;
    watch.fork = fp_self.fork;
    watch.gil_unsound |= fp_self.fork.origin == FP_ORIGIN_NATIVE_IN_PYTHON;
    watch.on = true;
    return true;
}

bool fp_watch_is_on(void)
{
    return watch.on;
}

struct fp_fork_origin fp_watch_origin(void)
{
    return (struct fp_fork_origin){.call = watch.fork.call,
                                   .origin = watch.fork.origin,
                                   .site = watch.fork.site,
                                   .parent = watch.fork.parent,
                                   .lost_threads = fp_lost_total(),
                                   .milliseconds = fp_milliseconds() - watch.fork.milliseconds};
}

bool fp_watch_has_sound_gil(void)
{
    return !watch.gil_unsound;
}
