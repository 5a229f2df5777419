/*
 * What the shim keeps per thread. Initial-exec TLS: reading it never allocates.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_SELF_H
#define FP_SHIM_SELF_H

#include "shim/reset.h"
#include "shim/waiting.h"
#include "shim/watch.h"

#include <errno.h>
#include <pthread.h>

struct fp_thread_slot;

struct fp_self {
    int inside;                  /* > 0: the shim is at work on this thread; hooks pass through */
    int forking;                 /* > 0: a fork that a hook has seen is under way */
    struct fp_thread_slot *slot; /* NULL: the main thread, or one that no hook saw starting */
    unsigned long life;          /* the one that this thread leads in that slot */
    const void *cxx_caller;   /* who called std::thread's starter last; taken by the next create */
    struct fp_fork_note fork; /* of the fork that is under way */
    struct fp_resets resets;  /* made ready to work in its child */
    bool asked;               /* the registered runtimes were asked to be quiet */
    uint64_t prepared;        /* bits of those that are */
    bool watched;             /* and its child is to be watched */
    bool survivor;            /* this thread came out of such a fork */
    struct fp_repeated condition;   /* a wait for a condition that comes again and again */
    struct fp_repeated timed;       /* and waits with a time limit */
    struct fp_wait_record *waiting; /* where its waits are told to the other threads */
};

extern _Thread_local struct fp_self fp_self __attribute__((tls_model("initial-exec")));

/* What the shim puts back when it has done its work on a thread of the host's. */
struct fp_work {
    int error, cancel;
};

/* Until the end of the work hooks pass through, and the thread is not cancelled in the midst of it:
   what the shim does ends in places (open, write) where it would be, and fork is none. */
static inline struct fp_work fp_work_begin(void)
{
    struct fp_work work = {.error = errno};
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &work.cancel);
    fp_self.inside++;
    return work;
}

static inline void fp_work_end(struct fp_work work)
{
    fp_self.inside--;
    pthread_setcancelstate(work.cancel, NULL);
    errno = work.error;
}

#endif
