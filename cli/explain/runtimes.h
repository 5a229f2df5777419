/*
 * Which library's code each thread of a process runs, told from outside by the outermost frames of
 * its stack, since nobody noted who started it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_RUNTIMES_H
#define FP_CLI_RUNTIMES_H

#include "cli/explain/stacks.h"
#include "common/package.h"
#include "policy/decide.h"

struct fp_seen_runtime {
    struct fp_runtime runtime;
    struct fp_package package;
    char file[256], names[160];
};

/* All threads but the main one. Strings are the view's, the stacks' and the list's own. */
struct fp_seen {
    struct fp_seen_runtime runtimes[FP_RUNTIMES_MAX];
    size_t count;
    unsigned unknown; /* threads of no library that could be told */
};

/* Those that had begun by `until`, in ticks since the machine's start; UINT64_MAX: all. */
void fp_seen_read(struct fp_seen *seen, const struct fp_view *view, const struct fp_stacks *stacks,
                  uint64_t until);

/* The entry for the same library and file, or NULL. */
const struct fp_seen_runtime *fp_seen_find(const struct fp_seen *seen,
                                           const struct fp_facts *facts);

/* What the environment's policy and the table say. Read at the first call. */
const struct fp_policy *fp_seen_policy(void);

#endif
