/* The child's part, see carry.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/base/child_section.h"
#include "shim/base/config.h"
#include "shim/carry/carry.h"
#include "shim/carry/files.h"
#include "shim/carry/libc.h"
#include "shim/carry/party.h"
#include "shim/carry/rest.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* For each thread of the party: what is looked at, or done. */
struct visit {
    struct fp_party *party;
    bool is_woken;
};

FP_CHILD static bool find_woken(struct fp_thread_slot *slot, fp_life life, void *context)
{
    struct visit *visit = context;
    (void)life;
    if (fp_party_member(visit->party, slot->runtime))
        visit->is_woken |= !fp_rest_is_unchanged(fp_point_of(slot));
    return true;
}

FP_CHILD static bool restore(struct fp_thread_slot *slot, fp_life life, void *context)
{
    struct visit *visit = context;
    struct fp_point *point = fp_point_of(slot);
    (void)life;
    if (!fp_party_member(visit->party, slot->runtime))
        return true;
    fp_libc_restore(point);
    fp_rest_forget_waiters(point);
    return true;
}

/* With that what the threads wait for in the kernel is the child's own, and is so before anybody in
   the child can wake them. */
FP_CHILD static bool unshare_files(void)
{
    static const char SHARED[] =
        "forkpolicy: no threads are carried into this child: it cannot open files of its own\n";
    bool is_done = fp_files_unshare();
    if (!is_done)
        syscall(SYS_write, STDERR_FILENO, SHARED, sizeof SHARED - 1);
    return is_done;
}

/* Runs twice for most forks (fork/child.c). */
FP_CHILD void fp_carry_child(void)
{
    struct visit visit = {fp_party(), false};
    if (!fp_config.carries || visit.party->is_restored)
        return;
    bool is_ready = fp_party_mine && visit.party->is_ready;
    if (is_ready)
        fp_table_each(find_woken, &visit);
    visit.party->is_restored = is_ready && !visit.is_woken && unshare_files();
    if (visit.party->is_restored)
        fp_table_each(restore, &visit);
    fp_carry_leave(); /* the forking thread's own pool is lost, if it is of one */
    fp_gate_child();
    fp_party_give();
}

FP_CHILD bool fp_carry_any(void)
{
    return fp_party()->is_restored;
}

FP_CHILD bool fp_carry_has(uint32_t runtime)
{
    struct fp_party *party = fp_party();
    return party->is_restored && fp_party_member(party, runtime);
}

/* A thread that cannot be made, now or in a moment, is missing from its pool: that is said. */
FP_CHILD static void start_thread(struct fp_point *point)
{
    enum { TRIES = 200 };
    static const char MISSING[] =
        "forkpolicy: a thread that was to be carried into this child cannot be started\n";
    const struct timespec pause = {.tv_nsec = 1000000};
    for (int i = 0; i < TRIES; i++) {
        if (fp_libc_start(point))
            return;
        syscall(SYS_nanosleep, &pause, NULL);
    }
    syscall(SYS_write, STDERR_FILENO, MISSING, sizeof MISSING - 1);
}

FP_CHILD static bool start(struct fp_thread_slot *slot, fp_life life, void *context)
{
    (void)life, (void)context;
    if (fp_carry_has(slot->runtime))
        start_thread(fp_point_of(slot));
    return true;
}

FP_CHILD void fp_carry_start(void)
{
    sigset_t all, before;
    if (!fp_party()->is_restored)
        return;
    int saved = errno;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    fp_table_each(start, NULL);
    fp_party()->is_restored = false;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved;
}
