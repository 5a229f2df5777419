/* See room.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/room.h"

#include "cli/cli.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

struct fp_room_chunk {
    struct fp_room_chunk *next;
    size_t size, used;
    alignas(max_align_t) char bytes[];
};

enum { CHUNK_SIZE = 64 * 1024 };

static struct fp_room_chunk *new_chunk(size_t size)
{
    struct fp_room_chunk *chunk = malloc(sizeof *chunk + size);
    if (!chunk) {
        fp_cli_say("there is no memory left");
        exit(FP_EXIT_USAGE);
    }
    *chunk = (struct fp_room_chunk){.size = size};
    return chunk;
}

void *fp_room_take(struct fp_room *room, size_t size)
{
    struct fp_room_chunk *chunk = room->chunks;
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!chunk || chunk->size - chunk->used < size) {
        chunk = new_chunk(size > CHUNK_SIZE ? size : CHUNK_SIZE);
        chunk->next = room->chunks;
        room->chunks = chunk;
    }
    void *taken = chunk->bytes + chunk->used;
    chunk->used += size;
    return memset(taken, 0, size);
}

char *fp_room_copy(struct fp_room *room, const char *string)
{
    size_t size = strlen(string) + 1;
    return memcpy(fp_room_take(room, size), string, size);
}

void fp_room_free(struct fp_room *room)
{
    while (room->chunks) {
        struct fp_room_chunk *next = room->chunks->next;
        free(room->chunks);
        room->chunks = next;
    }
}
