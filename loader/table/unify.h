/*
 * Values of dictionary columns that all batches have in common.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_UNIFY_H
#define FL_UNIFY_H

#include "loader/arrow/field.h"

/* Makes them, before the first take. */
int fl_unify(struct fl_field *field, struct forkloader_error *error);

#endif
