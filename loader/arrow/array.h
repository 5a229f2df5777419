/*
 * Arrays and schemas of ours. Each node owns its buffers alone, so that a consumer may move any
 * child out of its parent and release it later, on any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_ARRAY_H
#define FL_ARRAY_H

#include "forkloader.h"

/* An array with room for its buffers, children and dictionary, all empty still: NULL buffers and
   released children are fine to be released. 0 or ENOMEM. */
int fl_array_make(struct ArrowArray *array, int64_t length, size_t buffers, size_t children,
                  bool dictionary);

/* Room for more buffers than it was made with; those it has are kept. 0 or ENOMEM. */
int fl_array_more(struct ArrowArray *array, size_t buffers);

/* A buffer, aligned to 64 bytes, of at least `bytes`: the bytes after them are 0. Large ones ask
   for huge pages. NULL: no memory. */
void *fl_array_buffer(struct ArrowArray *array, size_t number, size_t bytes);
void fl_array_drop_buffer(struct ArrowArray *array, size_t number);
void fl_array_move_buffer(struct ArrowArray *to, struct ArrowArray *from, size_t number);

/* A buffer that stays its lender's: from then on no buffer of the array is freed. */
void fl_array_lend_buffer(struct ArrowArray *array, size_t number, const void *buffer,
                          size_t bytes);

/* Was the array made here? Only then its sizes are known: of one buffer, and of all. */
bool fl_array_is_ours(const struct ArrowArray *array);
size_t fl_array_buffer_size(const struct ArrowArray *array, size_t number);
uint64_t fl_array_bytes(const struct ArrowArray *array);

/* An array that many own. */
struct fl_shared;

/* Takes the array over: it must be one of ours. NULL: no memory, and it is released. */
struct fl_shared *fl_shared_new(struct ArrowArray *array);
void fl_shared_drop(struct fl_shared *shared);

/* Called by the last owner, after the release. */
void fl_shared_on_drop(struct fl_shared *shared, void (*dropped)(void *of), void *of);

/* One more owner: an array with the same buffers, each node of which keeps them. 0 or ENOMEM. */
int fl_shared_array(struct fl_shared *shared, struct ArrowArray *array);

/* A copy of a schema; of its children only those in `columns`, or, where that is NULL, all. */
int fl_schema_copy(struct ArrowSchema *copy, const struct ArrowSchema *schema, const int *columns,
                   size_t column_count);

/* Bytes of a schema's metadata; NULL has none. */
size_t fl_schema_metadata_size(const char *metadata);

#endif
