/*
 * Which of the threads that the kernel lists no hook saw starting (jemalloc's background threads, raw
 * clone, timers, io_uring). Needs /proc; without it the thread table is all there is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_THREADS_CENSUS_H
#define FP_SHIM_THREADS_CENSUS_H

#include <stddef.h>

enum { FP_STRANGERS_MAX = 32, FP_COMM_SIZE = 16 };

/* Threads with one name that no hook saw. */
struct fp_strangers {
    char name[FP_COMM_SIZE];
    unsigned threads;
};

struct fp_census {
    unsigned unattributed; /* all of them, also those whose name had no room below */
    size_t count;
    struct fp_strangers strangers[FP_STRANGERS_MAX];
};

/* Compares the table with the kernel's list: fills `census`, and frees the slots of threads that
   ended without telling (raw exit). One pass, whatever the number of threads. */
void fp_census_take(struct fp_census *census);

/* Reads the name of a thread of this process; "" when it is gone. */
void fp_census_name(int tid, char name[FP_COMM_SIZE]);

#endif
