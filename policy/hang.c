/* See hang.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/hang.h"

const char *fp_wait_name(enum fp_wait wait)
{
    static const char *const NAMES[] = {
#define FP_WAIT(NAME, name) name,
#include "policy/waits.def"
#undef FP_WAIT
    };
    return NAMES[wait];
}

const char *fp_grade_name(enum fp_grade grade)
{
    static const char *const NAMES[] = {
#define FP_GRADE(NAME, name, headline, unknown) name,
#include "policy/grades.def"
#undef FP_GRADE
    };
    return NAMES[grade];
}

const char *fp_reason_name(enum fp_reason reason)
{
    static const char *const NAMES[] = {
#define FP_REASON(NAME, name, why) name,
#include "policy/reasons.def"
#undef FP_REASON
    };
    return NAMES[reason];
}

static struct fp_opinion opinion(enum fp_grade grade, enum fp_reason reason)
{
    return (struct fp_opinion){grade, grade == FP_GRADE_NONE ? FP_REASON_NONE : reason};
}

/* What is not proven is told only where it has to do with a runtime that was lost. */
static struct fp_opinion suspect(const struct fp_wait_facts *facts, enum fp_reason reason)
{
    bool told = facts->about_lost && !facts->parked;
    return opinion(told ? FP_GRADE_SUSPECTED : FP_GRADE_NONE, reason);
}

/* A signal handler may end any wait: it wakes the thread, or leaves the wait by siglongjmp or exit.
   In company it may end somebody else's wait, who then ends this one. One that only ends the
   process, and a timer that does, is no rescue; but a process that sleeps until it is told to end,
   or until its time is over, has one, too. */
static struct fp_opinion prove(const struct fp_wait_facts *facts, enum fp_reason reason)
{
    bool tied = facts->tied || facts->owner_lost || facts->wait == FP_WAIT_REGION;
    bool ends = facts->waker == FP_WAKER_EXIT || facts->waker == FP_WAKER_TIMER;
    if (facts->waker == FP_WAKER_HANDLER || (facts->waker == FP_WAKER_EXIT && !tied))
        return opinion(FP_GRADE_STRONG, FP_REASON_HANDLER);
    if (facts->waker == FP_WAKER_TIMER && !tied)
        return opinion(FP_GRADE_STRONG, FP_REASON_TIMER);
    return opinion(FP_GRADE_PROVEN, ends ? FP_REASON_SIGNAL : reason);
}

struct fp_opinion fp_hang_judge(const struct fp_wait_facts *facts)
{
    if (facts->wait == FP_WAIT_REGION)
        return prove(facts, FP_REASON_TEAM);
    if (facts->satisfied || facts->shared)
        return opinion(FP_GRADE_NONE, FP_REASON_NONE);
    if (facts->owner_lost)
        return prove(facts, FP_REASON_OWNER);
    if (facts->wait == FP_WAIT_EPOLL)
        return suspect(facts, FP_REASON_OUTSIDE);
    if (facts->timed)
        return suspect(facts, FP_REASON_TIMED);
    /* A helper may run finalizers of the program's, or whatever it is sent. */
    if (facts->company == FP_COMPANY_AWAKE ||
        (facts->company == FP_COMPANY_HELPERS && !facts->tied))
        return suspect(facts, FP_REASON_COMPANY);
    bool is_alone = facts->company == FP_COMPANY_NONE;
    /* A signal that came between two time slices of a condition wait is lost: only the caller can
       say that nothing changed. Who sent it may have ended since. */
    if (facts->wait == FP_WAIT_CONDITION && !facts->evaluated)
        return suspect(facts, is_alone ? FP_REASON_ALONE : FP_REASON_COMPANY);
    if (facts->parked)
        return opinion(FP_GRADE_STRONG, FP_REASON_PARKED);
    static const enum fp_reason REASONS[] = {[FP_COMPANY_NONE] = FP_REASON_ALONE,
                                             [FP_COMPANY_ASLEEP] = FP_REASON_ASLEEP,
                                             [FP_COMPANY_HELPERS] = FP_REASON_HELPERS};
    return prove(facts, REASONS[facts->company]);
}
