/*
 * Memory that is given back as a whole. What is taken is zeroed; where there is none left, the
 * program says so and ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_REPORT_ROOM_H
#define FP_CLI_REPORT_ROOM_H

#include <stddef.h>

struct fp_room {
    struct fp_room_chunk *chunks;
};

void *fp_room_take(struct fp_room *room, size_t size);
char *fp_room_copy(struct fp_room *room, const char *string);

/* Gives everything back; it can be used again. */
void fp_room_free(struct fp_room *room);

#endif
