/*
 * A hang as it is told: everything that is known of a wait that does not end, for the message
 * (hang_message.c) and for the record (hang_event.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_HANG_EVENT_H
#define FP_POLICY_HANG_EVENT_H

#include "policy/blame.h"
#include "policy/event.h"
#include "policy/hang.h"
#include "policy/holder.h"

enum fp_outcome {
#define FP_OUTCOME(NAME, name, now, later, counted) FP_OUTCOME_##NAME,
#include "policy/outcomes.def"
    FP_OUTCOME_COUNT
};

const char *fp_outcome_name(enum fp_outcome outcome);

enum { FP_EXIT_STATUS = 70 }; /* EX_SOFTWARE of sysexits.h */

struct fp_native_frame {
    const char *dso;
    const char *symbol;   /* "" = the library does not say */
    unsigned long offset; /* in the function, or in the library where there is no symbol */
};

struct fp_python_frame {
    char file[256]; /* its end, where it is longer */
    char function[64];
    int line;
};

/* The fork that made this process. */
struct fp_fork_origin {
    const char *call; /* "" = not known: a fork inside libc */
    enum fp_origin origin;
    const struct fp_site *site;
    pid_t parent;
    unsigned lost_threads;
    unsigned long milliseconds; /* since then */
};

struct fp_hang {
    const char *program;
    pid_t pid, tid;
    struct fp_opinion opinion;
    enum fp_outcome outcome;
    enum fp_wait wait;
    bool interruptible;            /* by SIGINT */
    bool answered;                 /* a multiprocessing.Pool gets the error as its task's result */
    struct fp_facts waiting;       /* whose code waits: dso, package, version */
    struct fp_site at;             /* the Python lines of the wait; "" where there are none */
    unsigned long milliseconds;    /* waited so far */
    unsigned threads;              /* alive in this process */
    const struct fp_runtime *lost; /* what it waits for, or NULL */
    struct fp_judgement judgement; /* of that */
    enum fp_cause cause;
    struct fp_holders holders; /* of the lock that it waits for; none where they are not known */
    struct fp_fork_origin fork;
    const struct fp_native_frame *native;
    size_t native_count;
    const struct fp_python_frame *python;
    size_t python_count;
};

/* "hang". The stacks are cut where the record would grow too long. */
void fp_event_hang(struct fp_text *text, const struct fp_event_header *header,
                   const struct fp_hang *hang);

/* The member "fork" of a record, null where there is no room for it. */
void fp_record_fork(struct fp_text *text, const struct fp_fork_origin *fork);

/* "use": a lost runtime was called in the child; `call` is what its library did. */
void fp_event_use(struct fp_text *text, const struct fp_event_header *header,
                  const struct fp_runtime *runtime, const struct fp_judgement *judgement,
                  const char *call, const struct fp_fork_origin *fork);

#endif
