/*
 * Tests of shim/hang/hang.c: which facts a look gathers, in which order, and what it does with the
 * judgement. The judgement itself (policy/hang.c) is the real one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/hang/hang.h"

#include "shim/base/block_signals.h"
#include "shim/base/clock.h"
#include "shim/base/config.h"
#include "shim/base/self.h"
#include "shim/hang/act.h"
#include "shim/hang/memory.h"
#include "shim/hang/signal_handlers.h"
#include "shim/python/python.h"
#include "shim/threads/lost.h"
#include "shim/threads/origin.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

FP_THREAD struct fp_self fp_self;
bool fp_active = true;
struct fp_config fp_config = {.options = {.hang_milliseconds = 30000, .grace_milliseconds = 5000}};

/* What the rooms below say. */
static struct fp_company_look seen = {.gil_is_free = true};
static bool is_shared, has_sharer, is_parked, is_tied, is_about_lost, has_python, is_over,
    is_sound = true;
static enum fp_waker waker;
static uint64_t timers;
static pid_t owner, lost = -1;

/* What they were asked. */
static struct {
    int looks, thorough, proofs, doubts, evidence, private, signals;
    bool asked_gil_is_free, was_interruptible, others_sleep;
    enum fp_break breaks;
    struct fp_opinion opinion;
    uint64_t blocked, timers;
    sigset_t mask;
    int inside;
} asked;

void fp_block_signals(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    asked.signals++;
    pthread_sigmask(SIG_BLOCK, &all, before);
}

void fp_company_look(struct fp_company_look *look, uint64_t blocked, bool thorough)
{
    asked.looks++;
    asked.thorough += thorough;
    asked.blocked = blocked;
    asked.inside = fp_self.inside;
    pthread_sigmask(SIG_SETMASK, NULL, &asked.mask);
    *look = seen;
}

uint64_t fp_timers_set(void)
{
    return timers;
}

enum fp_waker fp_waker_find(const struct fp_company_look *look, enum fp_break main_breaks,
                            bool has_gil, uint64_t now, uint64_t seen_timers)
{
    (void)look;
    cr_assert_eq(now, timers);
    asked.timers = seen_timers;
    cr_assert_eq(has_gil, has_python && asked.asked_gil_is_free);
    asked.breaks = main_breaks;
    return waker;
}

bool fp_memory_has_sharer(void)
{
    return has_sharer;
}

bool fp_memory_is_private(const void *address)
{
    (void)address;
    asked.private ++;
    return !is_shared;
}

const struct fp_lost_thread *fp_lost_find(pid_t tid)
{
    static const struct fp_lost_thread found;
    return tid == lost ? &found : NULL;
}

bool fp_origin_awaits_gil(void)
{
    return !is_sound;
}

bool fp_python_enter(bool is_free, int *state)
{
    *state = 0;
    asked.asked_gil_is_free = is_free;
    return has_python && is_free;
}

void fp_python_leave(int state)
{
    (void)state;
}

void fp_evidence_read_python(struct fp_evidence *evidence, const struct fp_waiting *waiting,
                             bool has_gil, bool others_sleep)
{
    (void)evidence, (void)waiting, (void)has_gil;
    asked.evidence++;
    asked.others_sleep = others_sleep;
}

void fp_evidence_weigh(struct fp_evidence *evidence, const struct fp_waiting *waiting,
                       const struct fp_company_look *look, bool owner_lost)
{
    (void)evidence, (void)waiting, (void)look;
    cr_assert_eq(owner_lost, owner && owner == lost);
}

bool fp_evidence_is_tied(const struct fp_evidence *evidence)
{
    (void)evidence;
    return is_tied;
}

struct fp_owner fp_owner_of(const void *address)
{
    return (struct fp_owner){.base = address};
}

/* In these tests every other code is native. */
static const char python_code;

bool fp_python_owns(struct fp_owner of)
{
    return of.base == &python_code;
}

bool fp_evidence_is_parked(const struct fp_evidence *evidence, const struct fp_waiting *waiting,
                           const struct fp_company_look *look)
{
    (void)look;
    (void)evidence, (void)waiting;
    return is_parked;
}

bool fp_evidence_points_to_lost(const struct fp_evidence *evidence, enum fp_wait wait)
{
    (void)evidence, (void)wait;
    return is_about_lost;
}

enum fp_advance fp_act_on_proof(struct fp_waiting *waiting, const struct fp_company_look *look,
                                struct fp_evidence *evidence, struct fp_opinion opinion,
                                bool interruptible)
{
    (void)waiting, (void)look, (void)evidence;
    asked.proofs++;
    asked.opinion = opinion;
    asked.was_interruptible = interruptible;
    return FP_ADVANCE_INTERRUPT;
}

void fp_act_on_doubt(struct fp_waiting *waiting, const struct fp_company_look *look,
                     struct fp_evidence *evidence, struct fp_opinion opinion, bool interruptible)
{
    (void)look, (void)evidence, (void)interruptible;
    asked.doubts++;
    asked.opinion = opinion;
    waiting->told = true;
}

static bool has_signal;

bool fp_handlers_wait(const sigset_t *blocked)
{
    (void)blocked;
    return has_signal;
}

static pid_t owner_of(const struct fp_waiting *waiting)
{
    (void)waiting;
    return owner;
}

static bool try(struct fp_waiting *waiting)
{
    (void)waiting;
    return is_over;
}

static int object;

static struct fp_waiting wait_for(enum fp_wait wait)
{
    return (struct fp_waiting){
        .wait = wait, .object = &object, .slices = 1, .since = fp_milliseconds(), .is_over = try};
}

static enum fp_advance look_at(struct fp_waiting waiting)
{
    memset(&asked, 0, sizeof asked);
    return fp_hang_look(&waiting);
}

static enum fp_advance look(enum fp_wait wait)
{
    return look_at(wait_for(wait));
}

Test(hang, alone)
{
    cr_assert_eq(look(FP_WAIT_SEMAPHORE), FP_ADVANCE_INTERRUPT);
    cr_assert_eq(asked.proofs, 1);
    cr_assert_eq(asked.opinion.grade, FP_GRADE_PROVEN);
    cr_assert_eq(asked.opinion.reason, FP_REASON_ALONE);
    cr_assert_eq(asked.thorough, 0);
    cr_assert_not(asked.was_interruptible);
}

Test(hang, it_has_what_it_waited_for)
{
    is_over = true;
    cr_assert_eq(look(FP_WAIT_SEMAPHORE), FP_ADVANCE_OVER);
    cr_assert_eq(asked.looks, 1, "tried after the look around");
    cr_assert_eq(asked.proofs, 0);
}

Test(hang, shared_memory)
{
    is_shared = true;
    cr_assert_eq(look(FP_WAIT_SEMAPHORE), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.proofs, 0);
    look(FP_WAIT_JOIN);
    cr_assert_eq(asked.proofs, 1, "a thread is never another process's");
    cr_assert_eq(asked.private, 0);
    struct fp_waiting region = wait_for(FP_WAIT_REGION);
    region.object = NULL;
    look_at(region);
    cr_assert_eq(asked.private, 0);
}

Test(hang, memory_on_which_another_process_runs_is_nobody_s_alone)
{
    has_sharer = true;
    look(FP_WAIT_JOIN);
    look(FP_WAIT_SEMAPHORE);
    cr_assert_eq(asked.proofs, 0);
}

Test(hang, company)
{
    seen.company = FP_COMPANY_AWAKE;
    cr_assert_eq(look(FP_WAIT_SEMAPHORE), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.evidence, 0, "what cannot be proven is not looked at closer");
    seen.company = FP_COMPANY_ASLEEP;
    look(FP_WAIT_SEMAPHORE);
    cr_assert_eq(asked.opinion.reason, FP_REASON_ASLEEP);
    cr_assert(asked.others_sleep);
}

Test(hang, handlers)
{
    waker = FP_WAKER_HANDLER;
    cr_assert_eq(look(FP_WAIT_SEMAPHORE), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.proofs, 0);
    waker = FP_WAKER_INTERRUPT;
    look(FP_WAIT_SEMAPHORE);
    cr_assert(asked.proofs == 1 && asked.was_interruptible);
}

/* Only a semaphore's wait ends for a signal; Python begins its own anew. */
Test(hang, waits_that_signals_interrupt)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_SEMAPHORE);
    look_at(waiting);
    cr_assert_eq(asked.breaks, FP_BREAK_FOR_GOOD);
    waiting.caller = &python_code;
    look_at(waiting);
    cr_assert_eq(asked.breaks, FP_BREAK_FOR_PYTHON);
    look(FP_WAIT_MUTEX);
    cr_assert_eq(asked.breaks, FP_BREAK_NONE);
}

static void *look_in_thread(void *wait)
{
    look(*(enum fp_wait *)wait);
    return NULL;
}

static void look_beside_main(enum fp_wait wait)
{
    pthread_t thread;
    fp_hang_child(); /* as if no other thread had looked */
    pthread_create(&thread, NULL, look_in_thread, &wait);
    pthread_join(thread, NULL);
}

Test(hang, main_threads_wait_counts)
{
    seen.company = FP_COMPANY_ASLEEP;
    seen.main_is_interruptible = true;
    look_beside_main(FP_WAIT_MUTEX);
    cr_assert_eq(asked.breaks, FP_BREAK_FOR_GOOD);
    seen.main_waits_in_python = true;
    look_beside_main(FP_WAIT_MUTEX);
    cr_assert_eq(asked.breaks, FP_BREAK_FOR_PYTHON);
    seen.main_is_interruptible = false;
    look_beside_main(FP_WAIT_SEMAPHORE);
    cr_assert_eq(asked.breaks, FP_BREAK_NONE);
}

Test(hang, owners)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_MUTEX);
    seen.company = FP_COMPANY_AWAKE;
    waiting.owner = owner_of;
    owner = lost = 4000000; /* above any tid */
    look_at(waiting);
    cr_assert_eq(asked.opinion.reason, FP_REASON_OWNER);
    lost = -1;
    look_at(waiting);
    cr_assert_eq(asked.proofs, 0, "a live thread of ours");
}

Test(hang, an_owners_number_may_be_a_new_threads)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_MUTEX);
    seen.company = FP_COMPANY_AWAKE;
    waiting.owner = owner_of;
    owner = lost = getpid();
    struct fp_waiting copy = waiting;
    fp_hang_look(&copy);
    cr_assert_eq(asked.proofs, 0);
}

static int times;
static pid_t owner_that_changes(const struct fp_waiting *waiting)
{
    (void)waiting;
    return times++ == 0 ? owner : 0;
}

Test(hang, an_owner_may_let_go_meanwhile)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_MUTEX);
    seen.company = FP_COMPANY_AWAKE;
    waiting.owner = owner_that_changes;
    owner = lost = 4000000;
    fp_hang_look(&waiting);
    cr_assert_eq(asked.proofs, 0);
}

Test(hang, parked)
{
    is_parked = true;
    cr_assert_eq(look(FP_WAIT_SEMAPHORE), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.proofs, 0);
}

static struct fp_waiting long_wait(enum fp_wait wait)
{
    struct fp_waiting waiting = wait_for(wait);
    waiting.since = 0;
    return waiting;
}

Test(hang, doubts_are_told_late)
{
    seen.company = FP_COMPANY_AWAKE;
    is_about_lost = true;
    look(FP_WAIT_SEMAPHORE);
    cr_assert_eq(asked.doubts, 0);
    look_at(long_wait(FP_WAIT_SEMAPHORE));
    cr_assert_eq(asked.doubts, 1);
    cr_assert_eq(asked.thorough, 1);
    cr_assert_eq(asked.opinion.grade, FP_GRADE_SUSPECTED);
    is_about_lost = false;
    look_at(long_wait(FP_WAIT_SEMAPHORE));
    cr_assert_eq(asked.doubts, 0, "nothing says that it has to do with the fork");
    is_about_lost = true;
    struct fp_waiting told = long_wait(FP_WAIT_SEMAPHORE);
    told.told = true;
    look_at(told);
    cr_assert_eq(asked.doubts, 0);
}

static struct fp_waiting wait_since(uint64_t milliseconds)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_SEMAPHORE);
    waiting.since = fp_milliseconds() - milliseconds;
    return waiting;
}

/* A server ends a worker that hangs before hang_seconds are over. */
Test(hang, a_wait_for_what_was_lost_that_a_handler_might_end_is_told_in_time)
{
    waker = FP_WAKER_HANDLER;
    look_at(wait_since(6000));
    cr_assert_eq(asked.doubts, 0, "it may be meant to sleep");
    is_tied = true;
    look_at(wait_since(4000));
    cr_assert_eq(asked.doubts, 0);
    look_at(wait_since(6000));
    cr_assert_eq(asked.doubts, 1);
    struct fp_waiting told = wait_since(6000);
    told.told = true;
    look_at(told);
    cr_assert_eq(asked.doubts, 0);
}

Test(hang, a_handler_that_ends_the_process_is_no_rescue_of_what_was_lost)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_SEMAPHORE);
    waiting.slices = 2;
    waker = FP_WAKER_EXIT;
    look_at(waiting);
    cr_assert_eq(asked.proofs, 0);
    is_tied = true;
    look_at(waiting);
    cr_assert(asked.proofs == 1 && asked.opinion.reason == FP_REASON_SIGNAL);
}

/* Its signal may have come while a slice ran out, and Python runs the handler later. */
Test(hang, a_timer_that_has_run_out_may_be_a_rescue)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_SEMAPHORE);
    waker = FP_WAKER_EXIT;
    is_tied = true;
    fp_hang_look(&waiting);
    cr_assert_eq(asked.proofs, 0, "it may have been set and run out within the first slice");
    timers = 4;
    waiting.slices++;
    fp_hang_look(&waiting);
    timers = 0;
    waiting.slices++;
    fp_hang_look(&waiting);
    cr_assert_eq(asked.timers, 4, "one that was set at an earlier look of this wait");
}

Test(hang, what_was_told_may_be_proven_later)
{
    struct fp_waiting told = long_wait(FP_WAIT_SEMAPHORE);
    told.told = true;
    look_at(told);
    cr_assert_eq(asked.proofs, 1);
}

Test(hang, main_thread_speaks_first)
{
    seen.company = FP_COMPANY_ASLEEP;
    seen.main_waits = true;
    look(FP_WAIT_SEMAPHORE);
    cr_assert_eq(asked.proofs, 0);
    struct fp_waiting patient = wait_for(FP_WAIT_SEMAPHORE);
    patient.slices = 6;
    look_at(patient);
    cr_assert_eq(asked.proofs, 1, "the main thread says nothing");
    is_about_lost = true;
    seen.company = FP_COMPANY_AWAKE;
    look_at(long_wait(FP_WAIT_SEMAPHORE));
    cr_assert_eq(asked.doubts, 0);
}

/* A signal that came between two slices is lost: only the caller can say that nothing changed. */
Test(hang, conditions)
{
    struct fp_repeated repeated = {.object = &object, .standstill = 5};
    struct fp_waiting waiting = wait_for(FP_WAIT_CONDITION);
    seen.company = FP_COMPANY_ASLEEP;
    seen.standstill = 6;
    look_at(waiting);
    cr_assert_eq(asked.proofs, 0);
    waiting.repeated = &repeated;
    look_at(waiting);
    cr_assert_eq(asked.proofs, 0, "somebody has done something since");
    cr_assert_eq(repeated.standstill, 6);
    seen.mutex_is_wanted = true;
    look_at(waiting);
    cr_assert_eq(asked.proofs, 0, "somebody waits for the mutex that this thread holds here");
    seen.mutex_is_wanted = false;
    look_at(waiting);
    cr_assert_eq(asked.proofs, 1);
    repeated.object = &repeated; /* another wait */
    look_at(waiting);
    cr_assert_eq(asked.proofs, 0);
    repeated.object = &object;
    repeated.standstill = seen.standstill = 0;
    look_at(waiting);
    cr_assert_eq(asked.proofs, 0, "somebody was awake");
}

Test(hang, pythons_lock)
{
    has_python = true;
    seen.company = FP_COMPANY_ASLEEP;
    seen.gil_is_free = false;
    look(FP_WAIT_SEMAPHORE);
    cr_assert_not(asked.asked_gil_is_free);
    seen.gil_is_free = true;
    look(FP_WAIT_SEMAPHORE);
    cr_assert(asked.asked_gil_is_free);
    is_sound = false;
    look(FP_WAIT_SEMAPHORE);
    cr_assert_not(asked.asked_gil_is_free, "a lock that a lost thread may hold");
}

/* Threads that are awake let it go sooner or later, but not one that waits for a condition's mutex.
 */
Test(hang, pythons_lock_beside_threads_that_run)
{
    has_python = true;
    seen.company = FP_COMPANY_AWAKE;
    seen.gil_is_free = false;
    look_at(long_wait(FP_WAIT_SEMAPHORE));
    cr_assert(asked.asked_gil_is_free);
    look_at(long_wait(FP_WAIT_CONDITION));
    cr_assert_not(asked.asked_gil_is_free);
}

Test(hang, signals_wait_until_the_look_is_done)
{
    sigset_t blocked, after;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &blocked, NULL);
    fp_self.inside = 0;
    look(FP_WAIT_SEMAPHORE);
    cr_assert_eq(asked.signals, 1);
    cr_assert_eq(asked.inside, 1);
    cr_assert_eq(fp_self.inside, 0);
    cr_assert_eq(asked.blocked, UINT64_C(1) << (SIGUSR1 - 1), "%lx", asked.blocked);
    cr_assert(sigismember(&asked.mask, SIGTERM) == 1);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    cr_assert(sigismember(&after, SIGUSR1) == 1 && sigismember(&after, SIGTERM) == 0);
}

/* It came while they were blocked: it would have broken off the wait. */
Test(hang, signals_that_came_in_the_look)
{
    seen.company = FP_COMPANY_AWAKE;
    cr_assert_eq(look(FP_WAIT_SEMAPHORE), FP_ADVANCE_WAIT);
    has_signal = true;
    cr_assert_eq(look(FP_WAIT_SEMAPHORE), FP_ADVANCE_INTERRUPT);
    cr_assert_eq(look(FP_WAIT_MUTEX), FP_ADVANCE_WAIT, "a signal does not end it");
}

Test(hang, no_look)
{
    fp_self.inside = 1;
    look(FP_WAIT_SEMAPHORE);
    cr_assert_eq(asked.looks, 0);
    fp_self.inside = 0;
    fp_active = false;
    look(FP_WAIT_SEMAPHORE);
    cr_assert_eq(asked.looks, 0);
}

static void *look_twice(void *unused)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_SEMAPHORE);
    /* The first look's time is measured; a second one within fifty times of it is not made. */
    for (volatile int i = 0; i < 20000000; i++)
        ;
    fp_hang_look(&waiting);
    waiting.slices = 0;
    fp_hang_look(&waiting); /* a wait that has just begun is looked at all the same */
    return unused;
}

Test(hang, looks_at_once_by_two_threads)
{
    pthread_t thread;
    memset(&asked, 0, sizeof asked);
    pthread_create(&thread, NULL, look_twice, NULL);
    pthread_join(thread, NULL);
    cr_assert_eq(asked.looks, 2);
}

/* A child that was forked in the midst of another thread's look can look. */
static void fork_and_look(void)
{
    pid_t child = fork();
    int status;
    if (child == 0) {
        fp_hang_child();
        memset(&asked, 0, sizeof asked);
        seen.company = FP_COMPANY_NONE;
        struct fp_waiting waiting = wait_for(FP_WAIT_SEMAPHORE);
        fp_self.inside = 0;
        fp_hang_look(&waiting);
        _exit(asked.proofs == 1 ? 0 : 1);
    }
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0);
}

static bool fork_within(struct fp_waiting *waiting)
{
    (void)waiting;
    struct fp_waiting other = wait_for(FP_WAIT_SEMAPHORE);
    int before = asked.looks;
    fp_self.inside = 0;
    fp_hang_look(&other);
    cr_assert_eq(asked.looks, before, "one look at a time");
    fork_and_look();
    fp_self.inside = 1;
    return false;
}

Test(hang, a_child_can_look)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_SEMAPHORE);
    waiting.is_over = fork_within;
    look_at(waiting);
    cr_assert_eq(asked.proofs, 1);
}
