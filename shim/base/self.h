/*
 * What the shim keeps per thread. Initial-exec TLS: reading it never allocates.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_BASE_SELF_H
#define FP_SHIM_BASE_SELF_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

/* For every thread-local variable of the shim. */
#define FP_THREAD _Thread_local __attribute__((tls_model("initial-exec")))

struct fp_thread_slot;

struct fp_self {
    int inside;                  /* > 0: the shim is at work on this thread; hooks pass through */
    int forking;                 /* > 0: a fork that a hook has seen is under way */
    struct fp_thread_slot *slot; /* NULL: the main thread, or one that no hook saw starting */
    unsigned long life;          /* the one that this thread leads in that slot */
};

extern FP_THREAD struct fp_self fp_self;

/* The shim has started, and the policy is not `off` for everything. */
extern bool fp_active;

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
