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
    point->is_restored = true;
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
    visit.party->rested = 0; /* the kernel counts anew */
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
    bool is_carried = party->is_restored || (fp_party_mine && party->is_ready);
    return is_carried && fp_party_member(party, runtime);
}

/* False where it cannot be made, now or in a moment. */
FP_CHILD static bool start_thread(struct fp_point *point)
{
    enum { TRIES = 200 };
    const struct timespec pause = {.tv_nsec = 1000000};
    for (int i = 0; i < TRIES; i++) {
        if (fp_libc_start(point))
            return true;
        syscall(SYS_nanosleep, &pause, NULL);
    }
    return false;
}

/* Not one that somebody's fork handler has started in this child. */
FP_CHILD static bool is_restored(const struct fp_thread_slot *slot)
{
    return fp_carry_has(slot->runtime) && fp_point_of(slot)->is_restored;
}

FP_CHILD static bool start(struct fp_thread_slot *slot, fp_life life, void *context)
{
    bool *is_done = context;
    (void)life;
    if (is_restored(slot))
        *is_done = start_thread(fp_point_of(slot));
    return *is_done;
}

FP_CHILD static bool abandon(struct fp_thread_slot *slot, fp_life life, void *context)
{
    (void)life, (void)context;
    if (is_restored(slot))
        fp_libc_abandon(fp_point_of(slot));
    return true;
}

/* A pool with some of its threads hangs like one without any, and nobody could tell. */
FP_CHILD static bool start_all(void)
{
    static const char MISSING[] =
        "forkpolicy: no threads are carried into this child: it cannot start as many\n";
    bool is_done = true;
    fp_gate_hold();
    fp_table_each(start, &is_done);
    fp_gate_decide(is_done);
    if (!is_done) {
        fp_table_each(abandon, NULL);
        syscall(SYS_write, STDERR_FILENO, MISSING, sizeof MISSING - 1);
    }
    return is_done;
}

/* Not by pthread_sigmask, which leaves libc's own signals: the one that cancels a thread would
   unwind the stack of one that is just being made. */
FP_CHILD static void set_mask(uint64_t mask, uint64_t *before)
{
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, before, sizeof mask);
}

FP_CHILD bool fp_carry_start(void)
{
    uint64_t before;
    if (!fp_party()->is_restored)
        return true;
    int saved = errno;
    set_mask(~UINT64_C(0), &before);
    bool is_done = start_all();
    fp_party()->is_restored = false;
    set_mask(before, NULL);
    errno = saved;
    return is_done;
}
