/*
 * A pool of large buffers: their pages are resident, while those of a new buffer would be faulted
 * in, one by one, for each batch.
 *
 * Lock-free: any thread may use the pool while another one forks. The child loses at most the
 * buffer that such a thread was moving.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_BUFFER_POOL_H
#define FL_BUFFER_POOL_H

#include <stddef.h>

/* A buffer of at least so many bytes, of any contents, or NULL. */
void *fl_buffer_pool_take(size_t bytes);

/* Keeps a buffer that free() would take, or gives it to free(). */
void fl_buffer_pool_keep(void *buffer);

#endif
