/*
 * Children that take each other's place without end. Some parents put a new child where one has
 * ended and never learn why: a multiprocessing.Pool whose initializer hangs. Such a job is not
 * idle, and goes nowhere.
 *
 * A parent that tries again is none. It must have been ten children and five seconds; each hung at
 * the same line for the same runtime, was forked after the one before had ended, and owed no answer
 * to a task; no other child of that parent ended meanwhile, or lives since before; and its main
 * thread has not run once: nobody has told it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_REPLACED_H
#define FP_CLI_REPLACED_H

#include "cli/base/process_tree.h"
#include "cli/record/log.h"

/* The first of a row, and its record's line in the log. */
struct fp_replaced_first {
    pid_t pid;
    unsigned long line;
};

struct fp_replaced_parent;

/* All parents of the job that the log speaks of; zero it before the first record. */
struct fp_replaced {
    struct fp_replaced_parent *parents;
    size_t count;
    struct fp_replaced_first endless; /* pid 0: there is no such row */
};

/* Takes a record into account. */
void fp_replaced_note(struct fp_replaced *replaced, const struct fp_log_record *record);

/* Forgets who is gone from the tree, which was read after the log was. */
void fp_replaced_look(struct fp_replaced *replaced, const struct fp_tree *tree);

void fp_replaced_free(struct fp_replaced *replaced);

#endif
