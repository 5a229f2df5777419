/* See arena.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/base/arena.h"

#include "cli/base/say.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

struct fp_cli_arena_chunk {
    struct fp_cli_arena_chunk *next;
    size_t size, used;
    alignas(max_align_t) char bytes[];
};

enum { CHUNK_SIZE = 64 * 1024 };

static struct fp_cli_arena_chunk *new_chunk(size_t size)
{
    struct fp_cli_arena_chunk *chunk = malloc(sizeof *chunk + size);
    if (!chunk) {
        fp_cli_say("there is no memory left");
        exit(FP_EXIT_USAGE);
    }
    *chunk = (struct fp_cli_arena_chunk){.size = size};
    return chunk;
}

void *fp_cli_arena_take(struct fp_cli_arena *arena, size_t size)
{
    struct fp_cli_arena_chunk *chunk = arena->chunks;
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!chunk || chunk->size - chunk->used < size) {
        chunk = new_chunk(size > CHUNK_SIZE ? size : CHUNK_SIZE);
        chunk->next = arena->chunks;
        arena->chunks = chunk;
    }
    void *taken = chunk->bytes + chunk->used;
    chunk->used += size;
    return memset(taken, 0, size);
}

char *fp_cli_arena_copy(struct fp_cli_arena *arena, const char *string)
{
    size_t size = strlen(string) + 1;
    return memcpy(fp_cli_arena_take(arena, size), string, size);
}

void fp_cli_arena_free(struct fp_cli_arena *arena)
{
    while (arena->chunks) {
        struct fp_cli_arena_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
}
