/*
 * The other threads of this process as two looks in a row find them. Only if both looks see each of
 * them asleep in an endless wait on private memory, and not one was given the processor in between,
 * was there a moment at which all of them waited; one look alone sees threads at different times.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HANG_OTHER_THREADS_H
#define FP_SHIM_HANG_OTHER_THREADS_H

#include "policy/hang.h"

enum { FP_COMPANIONS_MAX = 16 };

struct fp_company_look {
    enum fp_company company;
    unsigned threads;     /* the calling one included */
    uint64_t handled;     /* signals for which the process has handlers, by bit number - 1 */
    uint64_t deliverable; /* of these, not blocked by every thread */
    uint64_t standstill;  /* stays the same while all that happens is that slices of waits end; 0:
                             somebody is awake */
    bool gil_is_free;     /* no thread that runs Python code holds its lock, as far as they tell */
    bool main_waits;      /* under watch, too */
    bool main_waits_in_python;              /* for one of Python's locks */
    bool main_is_interruptible;             /* sem_wait comes back from a signal, maybe to Python */
    const void *callers[FP_COMPANIONS_MAX]; /* whose code the others wait in */
    size_t caller_count;
    const void *mutex;    /* given: what the looking thread holds while it looks, or NULL */
    bool mutex_is_wanted; /* another thread waits for that */
};

/* By one thread at a time; `blocked`: the signals that it blocked in its wait, by bit number - 1.
   Unless it is to be thorough, the look ends at the first thread that is awake: then nothing is
   proven, and what the others do does not matter. */
void fp_company_look(struct fp_company_look *look, uint64_t blocked, bool thorough);

/* The first half of such a look, and an answer that proves nothing: whether somebody seems to be
   awake. Keeps no lock: a handler may run in the midst of it, wait and look itself, or leave it by
   siglongjmp; what it leaves open is closed by the next (left_open.h). By the main thread alone. */
bool fp_company_seems_awake(void);

/* Child room: whoever was looking is gone. */
void fp_company_child(void);

#endif
