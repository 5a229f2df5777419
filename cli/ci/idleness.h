/*
 * Since when a tree of processes has been idle: all of them together have used less than a
 * twentieth of one processor, and none has made another that goes on in its program. Not nothing,
 * since waits under watch come in slices.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_IDLENESS_H
#define FP_CLI_IDLENESS_H

#include "cli/base/process_tree.h"

struct fp_idleness {
    long since; /* milliseconds of fp_idleness_now; set it at the start */
    long looked_at;
    unsigned long long ticks;
    unsigned long long newest; /* forked process, by its begin */
    bool said;                 /* of this rest */
};

/* Milliseconds of a clock that only goes forward. */
long fp_idleness_now(void);

void fp_idleness_note(struct fp_idleness *idleness, const struct fp_tree *tree);

/*
 * On a terminal, a line each time that a supervised job has come to rest, with when it is looked
 * at; nothing where stderr is a file or a pipe. Whole lines only: the job writes to the same
 * terminal.
 */
void fp_idleness_say(struct fp_idleness *idleness, unsigned limit_seconds, size_t processes);

#endif
