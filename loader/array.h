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

/* A buffer, aligned to 64 bytes, of at least `bytes`: what lies behind them is 0. Large ones ask
   for huge pages. NULL: no memory. */
void *fl_array_buffer(struct ArrowArray *array, size_t number, size_t bytes);
void fl_array_drop_buffer(struct ArrowArray *array, size_t number);

/* An array that many own. */
struct fl_shared;

/* Takes the array over: it must be one of ours. NULL: no memory, and it is released. */
struct fl_shared *fl_shared_new(struct ArrowArray *array);
void fl_shared_drop(struct fl_shared *shared);

/* One more owner: an array with the same buffers, each node of which keeps them. 0 or ENOMEM. */
int fl_shared_array(struct fl_shared *shared, struct ArrowArray *array);

/* A copy of a schema; of its children only those in `columns`, or, where that is NULL, all. */
int fl_schema_copy(struct ArrowSchema *copy, const struct ArrowSchema *schema, const int *columns,
                   size_t column_count);

#endif
