/*
 * Where a process that has the shim was forked: its log tells.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_ORIGIN_H
#define FP_CLI_ORIGIN_H

#include "cli/base/arena.h"
#include "policy/model.h"

/* False where the process writes no log, or that holds no record of its fork. Strings are the
   arena's. */
bool fp_origin_find(struct fp_cli_arena *arena, pid_t pid, struct fp_site *site);

#endif
