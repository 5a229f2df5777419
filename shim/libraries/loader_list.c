/* See loader_list.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/libraries/loader_list.h"

#include "shim/base/child_section.h"
#include "shim/base/clock.h"
#include "shim/base/self.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_bool claimed;      /* the shim reads the list, or is about to */
static atomic_bool ever;         /* it did so before: until then a fork writes nothing here */
static atomic_uint inside;       /* calls of dl_iterate_phdr under way, of all threads */
static atomic_uint forks;        /* under way */
static atomic_ulong going, gone; /* calls of dlclose, begun and done */

/* What of these is the calling thread's own. */
static FP_THREAD unsigned claims, own_inside, own_forks;

/* False when the time is up. By the system call: nanosleep ends a thread that is cancelled. */
static bool wait_a_little(uint64_t begun, unsigned patience)
{
    const struct timespec pause = {.tv_nsec = 20000};
    int saved = errno;
    if (!patience || fp_microseconds() - begun >= patience)
        return false;
    syscall(SYS_nanosleep, &pause, NULL);
    errno = saved;
    return true;
}

static bool is_disturbed(void)
{
    return atomic_load(&inside) > own_inside || atomic_load(&forks) > own_forks;
}

/* The claim is made known first, then the others are looked at, as these do it the other way round:
   one of the two sees the other. */
bool fp_list_claim(unsigned patience)
{
    if (claims) { /* a signal handler, or a part of a scan */
        claims++;
        return true;
    }
    uint64_t begun = patience ? fp_microseconds() : 0;
    claims = 1; /* first: a signal handler may break in */
    bool has = false;
    while (!(has = !atomic_exchange(&claimed, true)) && wait_a_little(begun, patience))
        ;
    if (has && !atomic_load_explicit(&ever, memory_order_relaxed))
        atomic_store(&ever, true);
    while (has && is_disturbed())
        if (!wait_a_little(begun, patience)) {
            atomic_store(&claimed, false);
            has = false;
        }
    claims = has;
    return has;
}

void fp_list_release(void)
{
    if (--claims == 0)
        atomic_store(&claimed, false);
}

static int (*each)(int (*)(struct dl_phdr_info *, size_t, void *), void *);

void fp_list_init(void)
{
    *(void **)&each = dlsym(RTLD_NEXT, "dl_iterate_phdr");
}

void fp_list_each(int (*visit)(struct dl_phdr_info *, size_t, void *), void *context)
{
    if (each)
        each(visit, context);
}

/* Counts the calling thread, once nobody has a claim; or at the end of its patience, which is long:
   who has the claim has the list's lock, too, or soon will. */
static void count_in(atomic_uint *count)
{
    enum { PATIENCE = 1000000 };
    uint64_t begun = 0;
    for (;;) {
        atomic_fetch_add(count, 1);
        if (claims || !atomic_load(&claimed))
            return;
        begun = begun ? begun : fp_microseconds();
        if (fp_microseconds() - begun >= PATIENCE)
            return;
        atomic_fetch_sub(count, 1);
        wait_a_little(begun, PATIENCE);
    }
}

void fp_list_enter(void)
{
    if (own_inside)
        atomic_fetch_add(&inside, 1); /* it has the list's lock: whoever claims gives up */
    else
        count_in(&inside);
    own_inside++;
}

void fp_list_leave(void)
{
    own_inside--;
    atomic_fetch_sub(&inside, 1);
}

void fp_list_thread_ends(void)
{
    if (own_inside)
        atomic_fetch_sub(&inside, own_inside);
    own_inside = 0;
}

bool fp_list_fork_begin(void)
{
    if (!atomic_load_explicit(&ever, memory_order_relaxed) || fp_self.inside)
        return false;
    count_in(&forks);
    own_forks++;
    return true;
}

void fp_list_fork_end(bool begun)
{
    if (!begun)
        return;
    own_forks--;
    atomic_fetch_sub(&forks, 1);
}

/* Alone, but for what the forking thread itself is at. */
FP_CHILD void fp_list_child(void)
{
    if (!atomic_load_explicit(&ever, memory_order_relaxed))
        return;
    atomic_store(&claimed, false);
    atomic_store(&inside, own_inside);
    own_forks = claims = 0;
    atomic_store(&forks, 0);
}

void fp_list_closing(void)
{
    atomic_fetch_add(&going, 1);
}

void fp_list_closed(void)
{
    atomic_fetch_add(&gone, 1);
}

FP_CHILD unsigned long fp_list_closes(void)
{
    return atomic_load(&going);
}

unsigned long fp_list_closes_settled(void)
{
    unsigned long done = atomic_load(&gone), begun = atomic_load(&going);
    return done == begun ? begun : begun - 1;
}
