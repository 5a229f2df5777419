/*
 * Whether memory is this process's alone. Who shares it could end a wait on it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HANG_MEMORY_H
#define FP_SHIM_HANG_MEMORY_H

#include <stdbool.h>

/* Child room: from now on its memory is this process's alone. */
void fp_memory_child(void);

/* A process was started that runs on the same memory (CLONE_VM). */
void fp_memory_note_sharer(void);

/* Whether another process runs on this memory; also one that this process is itself, as the child
   of a vfork or a CLONE_VM is. */
bool fp_memory_has_sharer(void);

/* False also where /proc does not tell. By one thread at a time. */
bool fp_memory_is_private(const void *address);

#endif
