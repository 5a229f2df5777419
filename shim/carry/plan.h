/*
 * The files that a child gets of its own: noted in the parent (files.c), made in the child
 * (copies.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_CARRY_PLAN_H
#define FP_SHIM_CARRY_PLAN_H

#include "shim/reset/watches.h"

enum fp_file_kind { FP_FILE_EPOLL, FP_FILE_EVENT, FP_FILE_SOCKET };

enum { FP_PLAN_FILES = 128, FP_PLAN_WATCHES = 128 };

/* One number of a file; several may stand for the same. */
struct fp_plan_file {
    int number;
    enum fp_file_kind kind;
    unsigned first; /* the place of the first number of the same open file */
    uint64_t count; /* of an eventfd */
    uint64_t is_semaphore;
    uint64_t inode, other; /* of a socket and of its other end */
};

struct fp_plan_watch {
    unsigned instance; /* place of the epoll instance */
    struct fp_watch watch;
};

/* One fork at a time fills it, and its child finds it. */
struct fp_plan {
    unsigned files_count, watches_count;
    struct fp_plan_file files[FP_PLAN_FILES];
    struct fp_plan_watch watches[FP_PLAN_WATCHES];
};

/* Child room, too. */
const struct fp_plan *fp_plan(void);

/* The place of the other end of that socket's pair; files_count: it has none in this process. Child
   room, too. */
unsigned fp_plan_other_end(const struct fp_plan *plan, unsigned place);

#endif
