/*
 * The threads that this process lost when it was forked, and when its parents were: their tids,
 * for the owners of locks, and whose they were.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_THREADS_LOST_H
#define FP_SHIM_THREADS_LOST_H

#include "shim/threads/runtimes.h"

#include <sys/types.h>

enum { FP_LOST_MAX = 4096 };

struct fp_lost_thread {
    pid_t tid;
    uint32_t runtime; /* FP_ENTRY_NONE: the main thread, where another one forked */
};

/* The thread that forked, as it was known in the parent. */
struct fp_forking_thread {
    pid_t process;    /* the parent's pid */
    int creator;      /* as fp_table_creator */
    bool is_survivor; /* it had come out of a watched fork itself */
};

/* Child room: adds what the table still holds, before it is emptied; `is_reset` says of a runtime
   that it works again in the child. */
void fp_lost_note(const struct fp_forking_thread *forking, bool (*is_reset)(uint32_t runtime));

/* Child room, in every forked child, before the table is emptied: the forking thread is not lost,
   though it may have the tid of one that was. */
void fp_lost_child(void);

/* How many threads, and how many of them are kept here. */
unsigned fp_lost_total(void);
size_t fp_lost_count(void);
const struct fp_lost_thread *fp_lost_thread(size_t nth);

/* The lost thread of that tid, or NULL. */
const struct fp_lost_thread *fp_lost_find(pid_t tid);

/* Whether threads that run this library's code were lost. */
bool fp_lost_is_library(const char *dso);

#endif
