/*
 * An error as one line that names its object, in the caller's buffer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_ERROR_H
#define FL_ERROR_H

#include "forkloader.h"

/* Returns `code`. `error` may be NULL. */
__attribute__((format(printf, 3, 4))) int fl_fail(struct forkloader_error *error, int code,
                                                  const char *format, ...);

#endif
