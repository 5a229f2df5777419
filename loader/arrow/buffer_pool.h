/*
 * Large buffers that were given back and are taken again: their pages are there, while those of a
 * new one would be faulted in, one by one, for each batch.
 *
 * No locks: any thread may call these while another one forks; what it had in hand then is lost to
 * the child, a buffer at most.
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
