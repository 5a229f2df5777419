/*
 * One process as explain sees it, and how that is printed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_EXPLAIN_PICTURE_H
#define FP_CLI_EXPLAIN_PICTURE_H

#include "cli/base/arena.h"
#include "cli/explain/judge.h"
#include "cli/explain/process.h"
#include "cli/explain/waits.h"

/* All that is known of one process. */
struct fp_picture {
    struct fp_view view;
    struct fp_stacks stacks;
    struct fp_seen seen;
    bool has_parent;        /* a forked child, whose parent could be looked at, too */
    struct fp_seen at_fork; /* of the parent's threads those that were there at the fork */
    struct fp_finding finding;
    struct fp_cli_arena arena; /* of the fork's site */
};

void fp_picture_print(FILE *stream, const struct fp_picture *picture,
                      const struct fp_explain_options *options);

/* A record that says so: who reads JSON always gets an object. */
void fp_picture_print_no_hang(FILE *stream, const struct fp_picture *picture);

/* Before the processes themselves; as a record it is that of the first of them. */
void fp_picture_print_deadlock(FILE *stream, const struct fp_picture *picture,
                               const struct fp_waits *waits,
                               const struct fp_explain_options *options);

/* The library that holds up a fork of this process, or NULL. */
const char *fp_picture_handler(const struct fp_picture *picture);

#endif
