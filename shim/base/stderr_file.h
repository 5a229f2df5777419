/*
 * Whether descriptor 2 is where the program wants its words. A daemon closes it, and the next file
 * that it opens gets the number: its database would find our text in its data.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_BASE_STDERR_FILE_H
#define FP_SHIM_BASE_STDERR_FILE_H

#include <stdbool.h>

/* Once, in the constructor. */
void fp_stderr_init(void);

/* Child room: it is the file that it was at the start, or was put there on purpose: a terminal, a
   file that is only appended to, or one that has another descriptor, too (dup2). */
bool fp_stderr_is_there(void);

#endif
