/*
 * Whether a wait in a forked child can ever end: what is known of it -> grade and reason. Pure, so
 * that the shim in the child and `forkpolicy explain` from outside come to the same answer.
 *
 * PROVEN is a proof under the assumptions in docs/limits.md, not a guess: R0 to R6 below each close
 * a hole through which a live program was once called dead.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_HANG_H
#define FP_POLICY_HANG_H

#include "policy/model.h"

enum fp_wait {
#define FP_WAIT(NAME, name) FP_WAIT_##NAME,
#include "policy/waits.def"
#undef FP_WAIT
    FP_WAIT_COUNT
};

/* The other threads of the process, as two looks in a row found them. */
enum fp_company {
    FP_COMPANY_NONE,    /* there is no other thread */
    FP_COMPANY_ASLEEP,  /* each in an endless wait on private memory, and none ran in between */
    FP_COMPANY_HELPERS, /* so, but for helpers at rest, whose code wakes no thread of the program */
    FP_COMPANY_AWAKE,   /* one runs, sleeps for a time, or waits for something from outside */
};

/* What a signal could do. */
enum fp_waker {
    FP_WAKER_NONE,
    FP_WAKER_INTERRUPT, /* SIGINT would interrupt it as it would anything else */
    FP_WAKER_EXIT,      /* a handler would end the process, or its wait, and do nothing else */
    FP_WAKER_TIMER,     /* a timer of its own ends the process */
    FP_WAKER_HANDLER,   /* a handler of the program's might end the wait */
};

struct fp_wait_facts {
    enum fp_wait wait;
    bool satisfied; /* R0: what it waits for was there when tried again, after the look around */
    bool shared;    /* R1: the object lies in memory that another process has too */
    bool timed;     /* R3 */
    enum fp_company company; /* R2 */
    enum fp_waker waker;     /* R4 */
    bool owner_lost;         /* R5: the mutex belongs to a thread that was lost */
    bool evaluated;  /* R6: its caller has looked at its condition since, and nobody did a thing */
    bool tied;       /* what was lost owns the lock, stands on the stack, or served the object */
    bool parked;     /* Python code may sleep here until it is ended: nothing ties it to the fork */
    bool about_lost; /* there is evidence that it waits for a runtime that was lost */
};

enum fp_grade {
#define FP_GRADE(NAME, name, headline, unknown) FP_GRADE_##NAME,
#include "policy/grades.def"
#undef FP_GRADE
};

enum fp_reason {
#define FP_REASON(NAME, name, why) FP_REASON_##NAME,
#include "policy/reasons.def"
#undef FP_REASON
    FP_REASON_COUNT
};

struct fp_opinion {
    enum fp_grade grade;
    enum fp_reason reason;
};

struct fp_opinion fp_hang_judge(const struct fp_wait_facts *facts);

const char *fp_grade_name(enum fp_grade grade);
const char *fp_reason_name(enum fp_reason reason);
const char *fp_wait_name(enum fp_wait wait);

#endif
