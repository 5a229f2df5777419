/* See hang.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hang/hang.h"

#include "common/large.h"
#include "shim/base/block_signals.h"
#include "shim/base/child_section.h"
#include "shim/base/clock.h"
#include "shim/base/config.h"
#include "shim/base/kernel.h"
#include "shim/base/main_thread.h"
#include "shim/base/self.h"
#include "shim/hang/act.h"
#include "shim/hang/evidence.h"
#include "shim/hang/memory.h"
#include "shim/hang/other_threads.h"
#include "shim/hang/signal_handlers.h"
#include "shim/python/python.h"
#include "shim/threads/lost.h"
#include "shim/threads/origin.h"

#include <errno.h>
#include <signal.h>

/* One thread looks at a time: what it finds is static, because stacks may be small. */
static atomic_flag looking = ATOMIC_FLAG_INIT;
FP_LARGE static struct fp_evidence evidence;
static _Atomic uint64_t next_look;    /* microseconds */
static _Atomic uint64_t raised_since; /* in the main thread; milliseconds; 0: never */

FP_CHILD void fp_hang_child(void)
{
    atomic_flag_clear(&looking);
    atomic_store(&next_look, 0);
    atomic_store(&raised_since, 0);
    fp_company_child();
}

/*
 * Only its owner unlocks a mutex. Its tid is that of a lost thread, and the kernel has not given it
 * to a new one since. The forking thread's own tid in the parent is not among the lost: what it
 * had locked, it goes on to unlock in the child.
 */
static bool has_lost_owner(const struct fp_waiting *waiting)
{
    pid_t owner = waiting->owner ? waiting->owner(waiting) : 0;
    return owner && fp_lost_find(owner) && !fp_thread_lives(owner) &&
           waiting->owner(waiting) == owner;
}

enum fp_break fp_break_of(const struct fp_waiting *waiting)
{
    if (waiting->wait != FP_WAIT_SEMAPHORE)
        return FP_BREAK_NONE;
    return fp_python_owns(fp_owner_of(waiting->caller)) ? FP_BREAK_FOR_PYTHON : FP_BREAK_FOR_GOOD;
}

static enum fp_break break_of_main(const struct fp_company_look *look)
{
    if (!look->main_is_interruptible)
        return FP_BREAK_NONE;
    return look->main_waits_in_python ? FP_BREAK_FOR_PYTHON : FP_BREAK_FOR_GOOD;
}

/*
 * Who could end the wait by a signal. A timer that has run out since an earlier look has sent one
 * whose handler Python has yet to run, when this thread is back there; at the end of the first
 * slice nobody has looked earlier.
 */
static enum fp_waker find_waker(struct fp_waiting *waiting, enum fp_break breaks,
                                const struct fp_company_look *look, bool has_gil)
{
    uint64_t timers = fp_timers_set();
    waiting->timers |= timers;
    enum fp_waker found = fp_waker_find(look, breaks, has_gil, timers, waiting->timers);
    return found == FP_WAKER_EXIT && waiting->slices == 1 ? FP_WAKER_HANDLER : found;
}

/* What costs more to find out, for a wait that seems to be for ever: whether the memory is shared,
   and what Python says. */
static void look_closer(struct fp_waiting *waiting, const struct fp_company_look *look,
                        struct fp_wait_facts *facts)
{
    bool is_main = fp_is_main_thread();
    /* Threads that are awake let it go sooner or later, as they do for each other; unless they wait
       for the mutex with which this one came back from its condition. */
    bool lets_go = facts->company == FP_COMPANY_AWAKE && waiting->wait != FP_WAIT_CONDITION;
    bool gil_is_free = lets_go || look->gil_is_free;
    int state;
    bool has_memory = waiting->object && waiting->wait != FP_WAIT_JOIN;
    facts->shared =
        fp_memory_has_sharer() || (has_memory && !fp_memory_is_private(waiting->object));
    bool has_gil = fp_python_enter(gil_is_free && !fp_origin_awaits_gil(), &state);
    fp_evidence_read_python(&evidence, waiting, has_gil, facts->company == FP_COMPANY_ASLEEP);
    facts->waker =
        find_waker(waiting, is_main ? fp_break_of(waiting) : break_of_main(look), look, has_gil);
    if (has_gil)
        fp_python_leave(state);
    fp_evidence_weigh(&evidence, waiting, look, facts->owner_lost);
    facts->tied = fp_evidence_is_tied(&evidence);
    facts->parked = fp_evidence_is_parked(&evidence, waiting, look);
    facts->about_lost = fp_evidence_points_to_lost(&evidence, waiting);
}

/* Milliseconds until a doubt is told. Code of a lost library that asks again and again waits for
   what its threads did, and a server ends such a worker before hang_seconds are over. */
static uint64_t patience_for(const struct fp_waiting *waiting)
{
    unsigned hang = fp_config.options.hang_milliseconds,
             grace = fp_config.options.grace_milliseconds;
    return waiting->by_lost && grace && grace < hang ? grace : hang;
}

/* Looked at closer then, and again each time that it has lasted twice as long: what is only
   suspected seldom changes, and Python is asked. */
bool fp_hang_is_late(const struct fp_waiting *waiting)
{
    return !waiting->told && fp_milliseconds() - waiting->since >= patience_for(waiting)
                                                                       << waiting->late_looks;
}

/* A server's worker that hangs is ended by its parent before long: what is as good as certain is
   told in time. */
static bool is_due(const struct fp_waiting *waiting, const struct fp_wait_facts *facts,
                   struct fp_opinion opinion)
{
    return opinion.reason == FP_REASON_HANDLER && facts->tied && !waiting->told &&
           fp_milliseconds() - waiting->since >= fp_config.options.grace_milliseconds;
}

/* The main thread has got an error, with which it may be about to end the process. */
static bool has_just_raised(void)
{
    enum { PATIENCE = 5000 }; /* milliseconds */
    uint64_t since = atomic_load(&raised_since);
    return since && fp_milliseconds() - since < PATIENCE;
}

/* The main thread has the Python lines to tell, and where it waits in Python it can raise an
   exception. What is proven of its own wait is acted on at the end of a slice of its own; where
   nothing is, as of one that joins this thread, this one acts. */
static bool is_left_to_main(const struct fp_waiting *waiting, const struct fp_company_look *look)
{
    enum { PATIENCE = 6 }; /* slices: 1.9 s */
    return (look->main_waits && waiting->slices < PATIENCE) ||
           (has_just_raised() && !fp_is_main_thread());
}

static struct fp_wait_facts facts_of(const struct fp_waiting *waiting, enum fp_company company)
{
    return (struct fp_wait_facts){.wait = waiting->wait,
                                  .timed = waiting->timed,
                                  .company = company,
                                  .tied = true, /* unless a closer look says otherwise */
                                  .owner_lost = has_lost_owner(waiting)};
}

/* Whoever is asleep now may have cancelled this thread before, which it does not notice in a look,
   but in the slice between two. No thread is cancelled in the calls that are looked at once. */
static bool needs_another_look(struct fp_waiting *waiting, uint8_t proofs)
{
    waiting->proofs = proofs ? 2 : 1;
    return !proofs && waiting->slices;
}

static enum fp_advance weigh(struct fp_waiting *waiting, const struct fp_company_look *look,
                             bool late)
{
    struct fp_wait_facts facts = facts_of(waiting, look->company);
    if (waiting->repeated) {
        /* Its caller has looked at the condition since the last look, and nobody did a thing. */
        facts.evaluated = waiting->repeated->object == waiting->object && look->standstill &&
                          waiting->repeated->standstill == look->standstill &&
                          !look->mutex_is_wanted;
        waiting->repeated->standstill = look->standstill;
    }
    struct fp_opinion opinion = fp_hang_judge(&facts);
    uint8_t proofs = waiting->proofs;
    waiting->proofs = 0;
    if (opinion.grade < FP_GRADE_STRONG && !late)
        return FP_ADVANCE_WAIT;
    look_closer(waiting, look, &facts);
    opinion = fp_hang_judge(&facts);
    if (opinion.grade == FP_GRADE_PROVEN && needs_another_look(waiting, proofs))
        return FP_ADVANCE_WAIT;
    if (opinion.grade == FP_GRADE_PROVEN && !is_left_to_main(waiting, look)) {
        enum fp_advance advance =
            fp_act_on_proof(waiting, look, &evidence, opinion, facts.waker == FP_WAKER_INTERRUPT);
        if (advance == FP_ADVANCE_INTERRUPT)
            atomic_store(&raised_since, fp_milliseconds());
        return advance;
    }
    late |= is_due(waiting, &facts, opinion);
    if (opinion.grade != FP_GRADE_NONE && late && !look->main_waits)
        fp_act_on_doubt(waiting, look, &evidence, opinion, facts.waker == FP_WAKER_INTERRUPT);
    return FP_ADVANCE_WAIT;
}

/*
 * Many threads that sleep in a pool would look many times a second, each at all the others: their
 * looks take a fiftieth of a processor at most. The main thread's are the ones that count, and do
 * not keep the others from looking.
 */
static bool is_too_early(const struct fp_waiting *waiting)
{
    return waiting->slices && fp_microseconds() < next_look && !fp_is_main_thread();
}

/* What the calling thread has used of a processor, in microseconds. */
static uint64_t used_time(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return fp_nanoseconds(&used) / 1000;
}

static void look_and_weigh(struct fp_waiting *waiting, uint64_t blocked, enum fp_advance *advance)
{
    enum { DOUBLINGS_MAX = 16 };
    /* At a slice's end libc has taken the condition's mutex again: who wants that gets it in the
     * next. */
    struct fp_company_look look = {
        .mutex = waiting->wait == FP_WAIT_CONDITION ? (const void *)waiting->argument : NULL};
    uint64_t begun = used_time();
    bool late = fp_hang_is_late(waiting);
    if (late && waiting->late_looks < DOUBLINGS_MAX)
        waiting->late_looks++;
    fp_company_look(&look, blocked, late);
    /* Tried after the look around: what the others did before they fell asleep is done. */
    if (waiting->is_over && waiting->is_over(waiting))
        *advance = FP_ADVANCE_OVER;
    else
        *advance = weigh(waiting, &look, late);
    if (*advance == FP_ADVANCE_WAIT && waiting->wait == FP_WAIT_CONDITION &&
        look.company != FP_COMPANY_AWAKE)
        *advance = FP_ADVANCE_EVALUATE;
    if (!fp_is_main_thread())
        next_look = fp_microseconds() + (used_time() - begun) * 50;
}

bool fp_hang_may_be_shared(const void *object)
{
    bool may_be = true;
    sigset_t before;
    fp_block_signals(&before);
    if (!atomic_flag_test_and_set(&looking)) {
        struct fp_work work = fp_work_begin();
        may_be = !fp_memory_is_private(object);
        fp_work_end(work);
        atomic_flag_clear(&looking);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return may_be;
}

/*
 * While the main thread blocks a signal, the kernel gives the process's to any other that does not:
 * a handler that exits (uwsgi's) would do so in the midst of that thread's work. So the main thread
 * blocks none to find somebody awake, as it does in a program that works. What remains: signals
 * that come when all are asleep, and where one breaks off the wait for good and must not be lost.
 */
__attribute__((noinline)) static bool is_beside_the_awake(const struct fp_waiting *waiting)
{
    if (!fp_is_main_thread() || fp_hang_is_late(waiting) ||
        (fp_break_of(waiting) == FP_BREAK_FOR_GOOD && fp_handlers_interrupt()))
        return false;
    int error = errno;
    struct fp_wait_facts facts = facts_of(waiting, FP_COMPANY_AWAKE);
    bool is_awake = fp_hang_judge(&facts).grade < FP_GRADE_STRONG && fp_company_seems_awake();
    errno = error;
    return is_awake;
}

enum fp_advance fp_hang_look(struct fp_waiting *waiting)
{
    enum fp_advance advance = FP_ADVANCE_WAIT;
    sigset_t before;
    if (!fp_active || fp_self.inside || is_too_early(waiting))
        return advance;
    if (is_beside_the_awake(waiting)) {
        waiting->proofs = 0;
        if (waiting->repeated)
            waiting->repeated->standstill = 0;
        return advance;
    }
    /* A handler that leaves the wait by siglongjmp must not leave the look half done. */
    fp_block_signals(&before);
    if (!atomic_flag_test_and_set(&looking)) {
        struct fp_work work = fp_work_begin();
        look_and_weigh(waiting, fp_signal_bits(&before), &advance);
        fp_work_end(work);
        atomic_flag_clear(&looking);
    }
    /* One that came meanwhile would have broken off the wait. What remains, where the caller does
       not come again after each slice: one between a slice and the look, or behind the look. */
    if (advance == FP_ADVANCE_WAIT && fp_break_of(waiting) != FP_BREAK_NONE &&
        fp_handlers_wait(&before))
        advance = FP_ADVANCE_INTERRUPT;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return advance;
}
