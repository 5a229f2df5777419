/*
 * How long a fork waits for the threads that are to be carried. They come to rest within
 * microseconds, or are busy; beside much other work one may want to run and get no processor, and
 * is waited for longer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_CARRY_PATIENCE_H
#define FP_SHIM_CARRY_PATIENCE_H

#include "shim/carry/party.h"

struct fp_patience {
    uint64_t begun, limit; /* microseconds, as fp_microseconds */
    int thread;            /* that did not rest, and what of a processor it had used by then: */
    uint64_t used;         /* microseconds */
};

struct fp_patience fp_patience_begin(void);

/* After a look in vain. Once it is over it was a miss: after two in a row the next forks ask once. */
bool fp_patience_is_over(struct fp_patience *patience, const struct fp_party *party);

/* They rest. */
void fp_patience_paid(void);

#endif
