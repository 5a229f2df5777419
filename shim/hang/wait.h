/* One wait in a watched child, as it is judged. SPDX-License-Identifier: Apache-2.0 */
#ifndef FP_SHIM_HANG_WAIT_H
#define FP_SHIM_HANG_WAIT_H

#include "policy/hang.h"

#include <stdint.h>
#include <sys/types.h>

/* A thread that comes back to one wait again and again, each time after a slice in vain. */
struct fp_repeated {
    const void *object;   /* NULL: the last one was not in vain */
    uint64_t since, left; /* the first one began, the last one ended; milliseconds */
    unsigned slices;
    bool told, warned, by_lost;
    uint8_t late_looks, proofs;
    uint64_t standstill; /* of the others at the last look, see other_threads.h */
    uint64_t timers;
};

struct fp_waiting {
    enum fp_wait wait;
    bool timed;         /* by its caller */
    bool by_lost;       /* code of a lost library: a doubt is told after grace_seconds */
    const void *object; /* semaphore, mutex, futex word ... */
    const void *caller; /* an address in the code that waits */
    bool (*is_over)(struct fp_waiting *waiting); /* tries without waiting; NULL: cannot be tried */
    pid_t (*owner)(const struct fp_waiting *waiting); /* of a lock; NULL or 0: not known */
    long argument;                                    /* a futex's value, a thread ... */
    long flags, bits;                                 /* of a futex */
    unsigned requeues;                                /* so far */
    void **returned;                                  /* of a joined thread */
    uint64_t since;                                   /* milliseconds, as fp_milliseconds */
    uint64_t entered;                                 /* likewise: this call, of a repeated wait */
    unsigned signals;                                 /* to a condition, before this slice */
    unsigned slices;                                  /* so far */
    uint64_t timers;              /* signals for which one was set at a look so far, a bit each */
    bool told;                    /* somebody has been told */
    bool warned;                  /* that the process is to end after its time of grace */
    uint8_t late_looks;           /* after hang_seconds; so far */
    uint8_t proofs;               /* looks in a row that found it proven; 2 at most */
    struct fp_repeated *repeated; /* NULL: it ends as a whole */
};

/* What a signal does to a wait. */
enum fp_break {
    FP_BREAK_NONE,       /* nothing: Rust's and absl's futex waits begin anew */
    FP_BREAK_FOR_PYTHON, /* Python runs its handlers, and waits again */
    FP_BREAK_FOR_GOOD,   /* sem_wait ends with EINTR, whatever the handler did */
};

/* What a look at a wait came to. */
enum fp_advance {
    FP_ADVANCE_WAIT,      /* go on with the next slice */
    FP_ADVANCE_EVALUATE,  /* nobody is awake: has its condition changed? Its caller alone knows */
    FP_ADVANCE_OVER,      /* is_over said so: it has what it waited for */
    FP_ADVANCE_INTERRUPT, /* an exception is pending: the wait is to end with EINTR */
};

#endif
