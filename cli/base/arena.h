/*
 * Memory that is given back as a whole. What is taken is zeroed; where there is none left, the
 * program says so and ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_ARENA_H
#define FP_CLI_ARENA_H

#include <stddef.h>

struct fp_cli_arena {
    struct fp_cli_arena_chunk *chunks;
};

void *fp_cli_arena_take(struct fp_cli_arena *arena, size_t size);
char *fp_cli_arena_copy(struct fp_cli_arena *arena, const char *string);

/* Gives everything back; it can be used again. */
void fp_cli_arena_free(struct fp_cli_arena *arena);

#endif
