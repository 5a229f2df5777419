/*
 * Files of work that blocks no signals. A handler may leave the work by siglongjmp: what is left
 * behind is closed when it is begun again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HANG_LEFT_OPEN_H
#define FP_SHIM_HANG_LEFT_OPEN_H

#include <fcntl.h>
#include <stdbool.h>

/* By these flags, together, its files are known: a handler may leave before open has told the
   number. They make no difference to files of /proc. */
enum { FP_LEFT_OPEN_FLAGS = O_SYNC | O_NONBLOCK };

/* The frame of the work that is under way, in the one thread that does it; NULL: there is none. */
typedef const char *fp_left_frame;

/* False where a handler may have broken in upon the work, which would go on behind it. */
bool fp_left_open_begin(fp_left_frame *left, const char *frame);
void fp_left_open_end(fp_left_frame *left);

#endif
